"""What is timed, against what; one script each, which prints a table."""
