"""A counsellor's hours, breaks, absences, calendar feed and other calendars."""
