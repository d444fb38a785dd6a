"""The deliveries of goods that conversations are about."""
