import numpy as np
import pytest

from magic_model.data.volume import Kind
from magic_model.phantom.patient import PhantomSpec, simulate
from magic_model.severity import Severity


@pytest.fixture(scope="package")
def phantom():
    """A head with skull, noise and a lesion; ten maps 10 mm apart."""
    return simulate(PhantomSpec(Severity.SEVERE), np.random.default_rng(11)).images


@pytest.fixture(scope="package")
def brain_on_maps(phantom):
    return phantom[Kind.BRAIN_MASK].array > 0
