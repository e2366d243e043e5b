"""Wide tables, a column for each question, method or reader: what they mean."""
