"""What the readers of the event log need: the context of events, and which concern one reader."""
