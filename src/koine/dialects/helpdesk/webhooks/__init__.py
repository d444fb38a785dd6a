"""Webhooks: endpoints, their deliveries, and the format of what is posted to them."""
