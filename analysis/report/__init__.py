"""From pairs of answers to results.json, tables, charts and one page to read."""
