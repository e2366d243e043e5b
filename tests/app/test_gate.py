import asyncio

import pytest
from streamlit import config

from app.configuration import settings
from app.gate import Gate, is_known


@pytest.fixture(autouse=True)
def configured():
    """The settings of a server behind a proxy; afterwards those of before."""
    before = config.get_option("server.allowedHosts")
    config.set_option("server.allowedHosts", ["read.example.org"])
    yield
    config.set_option("server.allowedHosts", before)


def knock(path="/", kind="http", **headers):
    """Send one request to the gate; give what the app behind saw, and the answer."""
    sent = {"host": "read.example.org", **headers}
    scope = {
        "type": kind, "method": "GET", "path": path, "query_string": b"",
        "headers": [(k.replace("_", "-").encode(), v.encode())
                    for k, v in sent.items()],
    }  # fmt: skip
    seen, answers = [], []

    async def behind(scope, *_):
        seen.append({k.decode(): v.decode() for k, v in scope.get("headers", [])})

    async def send(message):
        answers.append(message)

    asyncio.run(Gate(behind)(scope, None, send))
    return seen, answers


def test_pages_and_their_connection_pass():
    for path in ("/", "/static/js/index.js", "/session", "/_stcore/health"):
        assert knock(path) == ([{"host": "read.example.org"}], [])
    assert knock("/_stcore/stream", "websocket")[1] == []
    assert knock(kind="lifespan")[1] == []


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/media/a.png", {}, 404),
        ("/_stcore/metrics", {}, 404),
        ("/auth/login", {}, 404),
        ("/\n", {}, 404),
        ("/", {"host": "elsewhere.example.org"}, 421),
        ("/", {"host": "read.example.org@elsewhere.example.org"}, 421),
        ("/", {"origin": "https://elsewhere.example.org"}, 403),
        ("/", {"origin": "null"}, 403),
    ],
)
def test_all_else_is_refused(path, headers, status):
    seen, (start, _) = knock(path, **headers)
    assert (seen, start["status"]) == ([], status)
    seen, answers = knock(path, "websocket", **headers)
    assert (seen, answers) == ([], [{"type": "websocket.close", "code": 1008}])


def whose(**headers):
    seen, _ = knock("/_stcore/stream", "websocket", **headers)
    return seen[0]["x-sign-in"]


def test_a_connection_belongs_to_the_sign_in_of_its_cookie():
    anna = whose(cookie="reading_session=a; _streamlit_xsrf=1")
    assert whose(cookie="_streamlit_xsrf=2; reading_session=a") == anna
    assert whose(cookie="reading_session=b") != anna
    assert whose(x_sign_in=anna) != anna
    assert whose() != whose()  # without a sign-in it belongs to nobody


def test_no_program_on_the_machine_changes_who_says_whose_it_is():
    flags = settings(8501)
    assert flags["server.trustedUserHeaders"] == {"x-sign-in": "sign_in"}
    assert flags["server.enableAgentApi"] is False
    assert flags["secrets.files"] == []
    assert flags["client.allowedOrigins"] == []


HOSTS = [
    None, "", ".", "read.example.org", "READ.example.org.", "read.example.org:8443",
    "read.example.org:x", "read.example.org:99999", "a@read.example.org",
    ":b@read.example.org", "@read.example.org", "read.example.org/x",
    "read.example.org;x", "read.example.org?x", "read.example.org#x", "[::1]",
    "[::1]:8501", "[::1", "127.0.0.1", "a.b.example.org", "example.org",
    "evilexample.org", "read.example.org,elsewhere.org", " read.example.org",
]  # fmt: skip
NAMES = [
    [], ["read.example.org"], [" Read.example.org. "], ["*"], ["*.example.org"],
    ["127.0.0.1", "localhost"], ["::1"], ["[::1]"],
]  # fmt: skip


@pytest.mark.parametrize("names", NAMES, ids=str)
@pytest.mark.parametrize("host", HOSTS, ids=str)
def test_a_host_is_known_exactly_where_streamlit_knows_it(host, names):
    from streamlit.web.server.starlette import starlette_websocket

    config.set_option("server.allowedHosts", names)
    assert is_known(host, names) is starlette_websocket.is_host_allowed(host)
