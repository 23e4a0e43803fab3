"""Readers of exchange formats."""
