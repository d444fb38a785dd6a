"""From a credential to an actor (authentication: `credentials`, `sessions`, `api_keys`), and what
an actor may do and see (authorization: `access`, `delegation`, `visibility`, `presence_access`).
Passwords and tokens are verified in `engine/verification`."""
