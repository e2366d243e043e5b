"""The commands of `magic-study`; each returns what to print."""
