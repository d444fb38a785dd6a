"""What carries wake-ups and whispers from node to node."""
