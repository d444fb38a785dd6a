"""After the commit: the log is read and told, to live seats and to webhooks."""
