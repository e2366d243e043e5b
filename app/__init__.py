"""Browser pages in which readers rate cases; imports `reader_study` only."""
