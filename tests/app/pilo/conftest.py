import pytest

from tests.app.pilo.material import make_explorer


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explored")
    return folder, make_explorer(folder)


@pytest.fixture(scope="session")
def explored(made):
    """Folder of the checkpoint and the NCCT that `explorer` was opened with."""
    return made[0]


@pytest.fixture(scope="session")
def explorer(made):
    return made[1]
