import pytest

from tests.app.pilo.material import make_explorer


@pytest.fixture(scope="session")
def explored(tmp_path_factory):
    """Folder of the checkpoint and the NCCT that `explorer` was opened with."""
    return tmp_path_factory.mktemp("explored")


@pytest.fixture(scope="session")
def explorer(explored):
    return make_explorer(explored)
