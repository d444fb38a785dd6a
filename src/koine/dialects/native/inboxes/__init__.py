"""The inboxes of the tenant."""
