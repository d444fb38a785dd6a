"""Login, refresh, logout, the caller's own password, and who the caller is."""
