"""The desk in the browser: list, conversation, moves, replies, search, files, live events."""
