"""Measurements of how well messages are understood, run with the engine's interpreter."""
