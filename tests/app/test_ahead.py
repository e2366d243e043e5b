"""Who is handed the picture of which reading before its turn, and who is not."""

import asyncio

from starlette.applications import Starlette

from app.accounts import READER
from app.server import reading_room
from tests.app.answers import read_trial
from tests.app.material import GOOD


def ask(secret="", method="GET"):
    """Status, headers and body of the answer to a browser that holds a secret."""
    scope = {
        "type": "http", "method": method, "path": "/ahead", "query_string": b"",
        "scheme": "http", "server": ("testserver", 80), "root_path": "",
        "headers": [(b"cookie", f"{READER.cookie}={secret}".encode())],
    }  # fmt: skip
    messages = []

    async def receive():
        return {"type": "http.request", "body": b""}

    async def send(message):
        messages.append(message)

    asyncio.run(Starlette(routes=reading_room()["routes"])(scope, receive, send))
    start, body = messages[0], messages[-1].get("body", b"")
    headers = {k.decode(): v.decode() for k, v in start["headers"]}
    return start["status"], headers, body


def test_the_next_picture_goes_to_its_reader_once_the_current_one_is_shown(
    anna, open_room, cookies
):
    secret = cookies[READER.cookie]
    first, second, third = anna.progress().history.orders[1]
    assert ask(secret)[0] == 204  # nothing is on the screen yet
    anna.next_reading()
    status, headers, body = ask(secret)
    assert (status, headers["x-reading"]) == (200, second)
    assert body == open_room.study.image_bytes(second)
    assert headers["cache-control"] == "no-store"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert anna.progress().token == first  # and nothing is opened by it
    with open_room.store.reading() as connection:
        opened = connection.exec_driver_sql("SELECT token FROM presentations")
        assert opened.scalars().all() == [first]

    anna.submit(first, GOOD, {})
    assert ask(secret)[0] == 204
    anna.next_reading()
    assert ask(secret)[1]["x-reading"] == third
    read_trial(anna)
    assert ask(secret)[0] == 204  # to be signed; trial 2 has its own time
    anna.sign(1)
    assert ask(secret)[0] == 204


def test_strangers_and_damaged_pictures_get_nothing(anna, open_room, cookies):
    _, second, _ = anna.progress().history.orders[1]
    anna.next_reading()
    for secret in ("", "another"):
        assert ask(secret)[::2] == (401, b"")
    assert ask(cookies[READER.cookie], "POST")[0] == 405
    (open_room.study.folder / "images" / f"{second}.png").write_bytes(b"torn")
    assert ask(cookies[READER.cookie])[::2] == (204, b"")
