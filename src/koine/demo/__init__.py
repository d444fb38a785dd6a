"""The demonstration: two tenants full of people who talk, and the keys to every door."""
