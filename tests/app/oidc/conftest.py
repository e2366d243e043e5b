import shutil
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

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


@pytest.fixture(scope="session")
def one_authority(tmp_path_factory):
    """A file with one certificate: to read the world's takes longer than a test."""
    key, day = ec.generate_private_key(ec.SECP256R1()), datetime(2026, 1, 1, tzinfo=UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "nobody")])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, day, day)
    path = tmp_path_factory.mktemp("authority") / "one.pem"
    signed = made.sign(key, hashes.SHA256())
    path.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def accounts(provider, one_authority, tmp_path, monkeypatch):
    """What the environment names; the redirect goes to Starlette's test client."""
    path = tmp_path / "accounts.toml"
    write_accounts(path, provider.url, "http://localhost/oidc/callback")
    monkeypatch.setenv(ACCOUNTS, str(path))
    monkeypatch.setenv("SSL_CERT_FILE", str(one_authority))
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
