"""A digital brain perfusion phantom: anatomy, lesion, perfusion, NCCT."""
