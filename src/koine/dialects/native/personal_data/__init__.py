"""Export and erase the data of contacts and users."""
