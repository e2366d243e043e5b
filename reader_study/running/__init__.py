"""A study in progress: readers, coordinators, milestones, unblinding."""
