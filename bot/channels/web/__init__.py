"""The chat page: a channel of our own, served over plain HTTP and server-sent events."""
