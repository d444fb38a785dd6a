"""The live streams of the inbox API."""
