"""Work done now and then, by one node."""
