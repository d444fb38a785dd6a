"""Koine: one conversation engine, spoken to in the dialects of four existing products."""

__version__ = "0.1.0"
