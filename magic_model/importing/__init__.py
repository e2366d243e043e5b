"""From data as it lies on disk to a checked cohort, with a report."""
