"""Backups: one file with a database, its uploads, and what both should be like."""
