"""Koine: one conversation engine with the HTTP APIs of four existing products."""

__version__ = "0.1.0"
