"""The contacts of the tenant."""
