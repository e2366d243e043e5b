"""`python -m magic_model.cli`, as torchrun starts the command."""

import sys

from magic_model.cli import main

if __name__ == "__main__":
    sys.exit(main())
