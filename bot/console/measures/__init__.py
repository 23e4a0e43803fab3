"""Editors' pages: offers and guides, their texts, what is stale, hints, history."""
