"""The live streams of the native API."""
