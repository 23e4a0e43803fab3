"""The database: one metadata, one way to open a transaction."""
