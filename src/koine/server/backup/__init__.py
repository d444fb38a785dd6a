"""Backups: one tar file with the database, its uploads, and a manifest to verify both by."""
