"""Floor 7: five HTTP languages over one engine. Siblings never import each other."""
