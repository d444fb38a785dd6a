"""Webhook endpoints, their deliveries, and the payloads in the format of this API."""
