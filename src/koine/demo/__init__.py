"""The demonstration: two tenants with people and conversations, and credentials for every API."""
