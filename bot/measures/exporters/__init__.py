"""Writing measures for others: HSDS 3 in JSON and tables, our own CSV, calendars."""
