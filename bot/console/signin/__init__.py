"""Signing in and out, one-time codes, invitation links."""
