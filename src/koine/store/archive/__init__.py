"""Rows of a tenant for archives: which columns there are, streams of rows, bulk inserts."""
