"""Entities found by rules and word lists: see ``extract.py`` for the one entrance."""
