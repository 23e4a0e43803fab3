"""Desks: the places at which counsellors work. The console shows the database itself; other
desks are told by ``bot/workers/desks.py`` and tell what was done there in their own way."""
