"""Accounts, for admins: invite, change, disable, reset."""
