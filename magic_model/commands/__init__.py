"""The commands of `magic-model`, one per file; each returns what to print."""
