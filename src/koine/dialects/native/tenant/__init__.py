"""The tenant, its roles, API keys and audit log."""
