"""What one process holds for authentication: the threads that hash passwords, the counts of failed
logins, the fetched keys of token issuers. Below `core`, because the engine object holds them."""
