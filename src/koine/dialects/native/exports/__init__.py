"""Exports of the tenant: start, watch, download."""
