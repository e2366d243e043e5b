"""Settings of all tests."""

import os

from hypothesis import settings

# A slow machine is no fault of the code; CI draws the same examples each time.
settings.register_profile("house", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("house")
