"""Webhook endpoints and their deliveries in SQL."""
