"""Servers with one fault put in on purpose, so that a rig can be seen to notice it.

Each module changes one function of the product and then serves:
`python -m chaos.planted_faults.<name>`.
"""
