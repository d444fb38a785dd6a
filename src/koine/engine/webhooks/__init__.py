"""Webhook endpoints: who may manage them, and what they are sent."""
