"""The people who work with Lotse: accounts, roles, signing in, and the log of what they did."""
