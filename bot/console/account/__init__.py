"""One's own account: name, languages, password, second factor."""
