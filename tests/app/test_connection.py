"""The page as it is served, and who watches over its connection."""

import asyncio

import pytest
from starlette.applications import Starlette

from app import connection, server
from app.gate import Gate


def get(routes, path):
    """Ask for a path; give status, headers and text."""
    scope = {
        "type": "http", "method": "GET", "path": path, "query_string": b"",
        "scheme": "http", "server": ("127.0.0.1", 80), "root_path": "",
        "headers": [(b"host", b"127.0.0.1")],
    }  # fmt: skip
    sent = []

    async def receive():
        return {"type": "http.request", "body": b""}

    async def send(message):
        sent.append(message)

    asyncio.run(Gate(Starlette(routes=routes))(scope, receive, send))
    headers = {k.decode(): v.decode() for k, v in sent[0]["headers"]}
    return sent[0]["status"], headers, sent[1]["body"].decode()


@pytest.mark.parametrize("parts", [server.reading_room, server.monitor])
def test_the_page_has_the_script_that_watches_over_its_connection(parts):
    routes = parts()["routes"]
    for path in ("/", "/index.html"):
        status, headers, page = get(routes, path)
        assert status == 200
        assert page.count('<script defer src="./connection.js"></script>') == 1
        assert '<div id="root">' in page
        assert headers["cache-control"] == "no-cache"
    status, headers, script = get(routes, connection.SCRIPT)
    assert status == 200
    assert headers["content-type"].startswith("text/javascript")
    assert "Nothing that you enter now counts" in script


def test_a_page_of_another_form_is_a_fault():
    with pytest.raises(ValueError, match="must have one </head>, got 0"):
        connection.page_of("<html></html>")
