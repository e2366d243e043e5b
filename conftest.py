"""Settings of every run of the tests, by make or by pytest alone."""

import os

# Test workers share the cores; two that each start as many threads as there are cores
# wait for one another. Set before numpy is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")
