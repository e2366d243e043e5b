"""Programs of others that tests talk to."""

import os
import shutil

import pytest


def find_program(name, package):
    """Find a program; without it the test is left out."""
    places = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])
    found = shutil.which(name, path=places)
    if found is None:
        leave_out(f"{name} is not installed (Debian package {package})")
    return found


def leave_out(reason):
    """Skip a test; where CI is set, what it needs must be there."""
    if "CI" in os.environ:
        pytest.fail(reason)
    pytest.skip(reason)
