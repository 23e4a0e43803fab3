"""The pages of counsellors, editors, partners and admins, under ``/console``."""
