"""Counselling services, and who gives them, for admins."""
