"""The measures database: offers for newcomers, each with its source and date."""
