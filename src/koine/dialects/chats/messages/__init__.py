"""The messages of chats: listed and posted."""
