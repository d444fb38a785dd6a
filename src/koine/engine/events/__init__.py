"""What the readers of the event log need."""
