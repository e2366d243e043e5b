import numpy as np
import pytest

from magic_model.phantom.patient import PhantomSpec, simulate
from magic_model.severity import Severity


@pytest.fixture(scope="session")
def phantoms():
    """One patient per class, with lesions in the latter two that NCCT shows."""
    return {
        severity: simulate(PhantomSpec(severity), np.random.default_rng(4))
        for severity in Severity
    }


@pytest.fixture(scope="session")
def severe(phantoms):
    return phantoms[Severity.SEVERE]
