"""What follows the event log: reading it in order, and what its readers share."""
