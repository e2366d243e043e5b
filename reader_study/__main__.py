"""`python -m reader_study` works like `magic-study`."""

import sys

from reader_study.cli import main

if __name__ == "__main__":
    sys.exit(main())
