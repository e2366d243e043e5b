"""Reports of studies with one method, or with several that are not one pair."""
