"""Identities, inboxes, tenants, deliveries and credentials in SQL."""
