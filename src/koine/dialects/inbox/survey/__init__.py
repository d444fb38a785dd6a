"""The satisfaction survey that a closed conversation sends."""
