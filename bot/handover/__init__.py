"""Handover: a person takes over from the bot and gives the conversation back."""
