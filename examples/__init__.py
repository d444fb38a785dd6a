"""Programs to experiment with; the package does not contain them."""
