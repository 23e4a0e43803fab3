"""People, their channels, what they wrote and what they are told."""
