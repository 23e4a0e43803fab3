"""Languages: texts from gettext catalogues, dates from CLDR, identification."""
