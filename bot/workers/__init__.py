"""Loops that run beside the channels: answering what came in, sending what goes out."""
