"""Appointments of a counsellor: by day, week and as a list; moved, cancelled, booked by hand."""
