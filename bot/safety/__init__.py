"""Emergencies: recognised before anything else and answered from fixed texts."""
