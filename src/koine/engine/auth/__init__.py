"""Who is calling, and what the caller may do and see."""
