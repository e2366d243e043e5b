"""`python -m app`, the same as the command `magic-app`."""

import sys

from app.cli import main

sys.exit(main())
