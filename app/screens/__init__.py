"""The screens of a reader, one per file; each shows what it is given."""
