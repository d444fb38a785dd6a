"""What a client may know of an inbox."""
