"""Users, responders, and what all identities share."""
