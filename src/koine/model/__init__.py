"""The entities, the permissions and the errors: frozen types, no I/O."""
