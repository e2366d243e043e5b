"""`python -m magic_model`, the same as the command `magic-model`."""

import sys

from magic_model.cli import main

if __name__ == "__main__":
    sys.exit(main())
