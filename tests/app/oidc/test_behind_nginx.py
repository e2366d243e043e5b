"""Hospital accounts behind the shipped nginx, before two processes."""

from urllib.parse import urlsplit

import httpx
import pytest

from app.accounts import READER
from app.oidc.accounts import CALLBACK, LOGIN
from tests.app.deployment.fronting import HOST, Front
from tests.app.deployment.running import Process, see
from tests.app.oidc.fake_provider import Provider, verified, write_accounts

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

NOT_SERVED = ("/auth/login", "/auth/logout", "/oauth2callback", "/oidc/logout")


@pytest.fixture
def provider():
    """On another site than nginx, which is called localhost here."""
    provider = Provider("127.0.0.1")
    provider.claims = verified("anna.smith@example.org")
    provider.start()
    yield provider
    provider.stop()


@pytest.fixture
def processes(ready, tmp_path):
    room, _ = ready
    url = f"sqlite:///{room.study.folder / 'study.sqlite'}"
    options = [
        "--secret-file", str(tmp_path / "secret"), "--allowed-host", HOST,
        "--oidc", str(tmp_path / "accounts.toml"),
    ]  # fmt: skip
    started = [Process(room.study.folder, url, *options) for _ in range(2)]
    yield started
    for process in started:
        process.stop()


@pytest.fixture
def front(tmp_path, processes, provider):
    folder = tmp_path / "nginx"
    folder.mkdir()
    ports = [process.port for process in processes]
    front = Front(folder, ports, oidc="/etc/magic-app/accounts.toml")
    back = f"{front.url}oidc/callback"
    write_accounts(tmp_path / "accounts.toml", provider.url, back)
    for process in processes:
        process.start()
    for process in processes:
        process.wait()
    front.start()
    yield front
    front.stop()


def test_an_account_opens_the_study_over_tls_at_every_process(
    front, processes, provider, context
):
    page = context.new_page()
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(front.url)
    see(page, "hospital account")
    page.get_by_text("hospital account").click()
    see(page, "Instructions")

    kept = {cookie["name"]: cookie for cookie in context.cookies()}
    assert all(cookie["secure"] for cookie in kept.values())
    assert [text for text in said if "Security Policy" in text] == []
    secret = {"Cookie": f"{READER.cookie}={kept[READER.cookie]['value']}"}
    for process in processes:
        assert ask(process, "/session", secret).status_code == 204
    check_paths(front)
    check_another_process_takes_the_way_back(processes)
    assert "code=" not in front.log()


def check_paths(front):
    assert front.ask(LOGIN)[0] == 302
    assert front.ask(CALLBACK)[0] == 303
    assert front.ask(LOGIN, "POST")[0] == 403
    assert [front.ask(path)[0] for path in NOT_SERVED] == [404] * len(NOT_SERVED)


def check_another_process_takes_the_way_back(processes):
    """What must come back with the browser is in its signed cookie."""
    first, second = processes
    there = ask(first, LOGIN)
    cookie = there.headers["set-cookie"].partition(";")[0]
    back = urlsplit(httpx.get(there.headers["location"]).headers["location"])
    answer = ask(second, f"{back.path}?{back.query}", {"Cookie": cookie})
    assert answer.headers["location"] == "/"
    assert READER.cookie in answer.cookies


def ask(process, path, headers=()):
    return httpx.get(
        f"{process.url.rstrip('/')}{path}", headers={"Host": HOST, **dict(headers)}
    )
