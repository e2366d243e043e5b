import shutil

import pytest

from app import room as rooms
from app.oidc.accounts import ACCOUNTS, read_accounts, served_accounts
from tests.app.deployment import conftest as deployed
from tests.app.deployment.running import Process
from tests.app.material import admit, build, open_study_of
from tests.app.oidc.fake_provider import Provider, write_accounts

context = deployed.context


@pytest.fixture
def provider():
    provider = Provider()
    provider.start()
    yield provider
    provider.stop()


@pytest.fixture
def accounts(provider, tmp_path, monkeypatch):
    """What the environment names; the redirect goes to Starlette's test client."""
    path = tmp_path / "accounts.toml"
    write_accounts(path, provider.url, "http://localhost/oidc/callback")
    monkeypatch.setenv(ACCOUNTS, str(path))
    served_accounts.cache_clear()
    yield read_accounts(path)
    served_accounts.cache_clear()


@pytest.fixture(scope="session")
def built_for_accounts(tmp_path_factory):
    return build(tmp_path_factory.mktemp("accounts"), size=(300, 200))


@pytest.fixture
def ready(built_for_accounts, tmp_path):
    """The open study's room, with a code for each reader."""
    folder = tmp_path / "STUDY"
    shutil.copytree(built_for_accounts, folder)
    room = rooms.open_room(folder)
    codes = admit(room)
    open_study_of(room)
    yield room, codes
    room.store.close()


@pytest.fixture
def process(ready, provider, tmp_path):
    """The command with hospital accounts; its provider is another site."""
    room, _ = ready
    file = tmp_path / "accounts.toml"
    url = f"sqlite:///{room.study.folder / 'study.sqlite'}"
    process = Process(room.study.folder, url, "--oidc", str(file))
    write_accounts(file, provider.url, f"{process.url}oidc/callback")
    process.start()
    process.wait()
    yield process
    process.stop()
