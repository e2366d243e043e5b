"""Agreement between two methods read by several readers: statistics, charts, report."""
