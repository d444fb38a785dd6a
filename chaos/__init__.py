"""Rigs: experiments that damage real servers and count what was lost (`python -m chaos`)."""
