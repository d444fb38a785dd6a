"""One client for each dialect, with the same methods, so that one test can run against all."""
