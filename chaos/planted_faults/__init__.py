"""Servers with a planted fault, by which a test proves that a rig can fail.

Each module replaces one function of the product when it is imported, which chaos/prefork.py does
before it runs the server. `python -m chaos.planted_faults.<name>` runs a server with the fault.
"""
