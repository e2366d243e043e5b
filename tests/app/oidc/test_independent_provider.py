"""Sign-in at a certified provider that others wrote: npm's oidc-provider."""

import os
import subprocess
from pathlib import Path

import pytest

from app.accounts import READER
from reader_study.running.access import resume
from tests.app.deployment.running import Process, free_port, see, wait_for
from tests.app.npm_packages import installed
from tests.app.oidc.fake_provider import CLIENT, SECRET, write_accounts
from tests.app.oidc.test_browser import by_account, cookies_of
from tests.programs import find_program

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SCRIPT = Path(__file__).with_name("provider.mjs")
ANNA, EVE = "Anna.Smith@example.org", "eve@example.org"


@pytest.fixture
def served(request, ready, tmp_path):
    """The reading room, and a provider in a process of node.

    The parameter: the account, and whether its claims come from UserInfo alone.
    """
    account, conform = request.param
    node = find_program("node", "nodejs")
    library = installed() / "oidc-provider" / "lib" / "index.js"
    room, _ = ready
    file, port = tmp_path / "accounts.toml", free_port()
    url = f"sqlite:///{room.study.folder / 'study.sqlite'}"
    process = Process(room.study.folder, url, "--oidc", str(file))
    redirect = f"{process.url}oidc/callback"
    write_accounts(file, f"http://localhost:{port}", redirect)
    told = {
        "LIBRARY": library.as_uri(), "PORT": str(port), "REDIRECT": redirect,
        "ACCOUNT": account, "CLIENT": CLIENT, "SECRET": SECRET,
        "CONFORM": "yes" if conform else "no",
    }  # fmt: skip
    log = (tmp_path / "provider.log").open("w")
    provider = subprocess.Popen(
        [node, str(SCRIPT)], env=os.environ | told, stdout=log, stderr=log
    )
    try:
        wait_for(port)
        process.start()
        process.wait()
        yield process
    finally:
        provider.terminate()
        provider.wait(10)
        log.close()
        if process.running:
            process.stop()


@pytest.mark.parametrize(
    "served",
    [(ANNA, False), (ANNA, True)],
    ids=["in the identity token", "from UserInfo"],
    indirect=True,
)
def test_a_reader_signs_in_wherever_the_claims_are(served, ready, context, tmp_path):
    room, _ = ready
    page = by_account(context, served.url)
    see(page, "Instructions")
    secret = cookies_of(context)[READER.cookie]["value"]
    assert resume(room.store, secret, clock=room.clock) == "anna"
    assert "error" not in (tmp_path / "provider.log").read_text().lower()


@pytest.mark.parametrize("served", [(EVE, True)], ids=["another"], indirect=True)
def test_another_account_stays_outside(served, context):
    see(by_account(context, served.url), "does not belong to an active reader")
    assert READER.cookie not in cookies_of(context)
