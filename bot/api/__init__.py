"""The public read interface after HSDS 3: what is published, for everybody, read only."""
