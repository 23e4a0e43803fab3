"""Open Referral HSDS 3 documents: read into records, and written from the database."""
