"""Consent, and the right to be forgotten."""
