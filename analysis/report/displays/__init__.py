"""Report of a study of several pictures at once: preference, ranking, forced choice."""
