"""When counsellors answer in the chat, and the queues in which newcomers wait for them."""
