"""The commands of `magic-analyze`, one per file; each returns what to print."""
