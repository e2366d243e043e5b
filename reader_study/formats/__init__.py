"""Files that pass between the packages: one definition each, pure."""
