"""`python -m analysis` works like `magic-analyze`."""

import sys

from analysis.cli import main

if __name__ == "__main__":
    sys.exit(main())
