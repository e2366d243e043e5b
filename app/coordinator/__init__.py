"""The coordinator's desk: counts, times and codes, never an answer."""
