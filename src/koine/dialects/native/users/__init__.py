"""The users of the tenant."""
