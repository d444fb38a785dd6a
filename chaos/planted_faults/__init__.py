"""Servers with a planted fault, by which a test proves that a rig can fail.

Each module replaces one function of the product and then runs the server:
`python -m chaos.planted_faults.<name>`.
"""
