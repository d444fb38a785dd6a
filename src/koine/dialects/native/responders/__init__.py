"""The responders of the tenant and their versions."""
