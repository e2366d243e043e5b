"""The coordinator's view: counts, times and codes, never an answer."""
