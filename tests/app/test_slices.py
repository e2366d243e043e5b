"""In which order slices come to the page, and to whom."""

import asyncio
import json
import zlib
from types import SimpleNamespace

import numpy as np
import pytest
from starlette.applications import Starlette

from app import fetched
from app.accounts import READER
from app.fetched import outwards
from app.server import reading_room
from reader_study.building.volumes import AFFINE, SEAL
from tests.app.answers import read_trial
from tests.app.material import GOOD, PROTOCOL, build

SHAPE = (4, 5, 6)
STACK = PROTOCOL + '\n[reading]\nviewer = "stack"\n'


def write_volume(path):
    rng = np.random.default_rng(zlib.crc32(path.name.encode()))
    panel = {"unit": "s", "low": 0, "high": 9, "colours": ""}
    kinds = (("NCCT", "int16"), ("MTT", "uint8"))
    panels = [panel | {"name": name, "dtype": dtype} for name, dtype in kinds]
    images = [rng.integers(0, 99, SHAPE).astype(dtype) for _, dtype in kinds]
    np.savez(
        path,
        affine=np.diag([1.0, 1.0, 5.0, 1.0]),
        about=json.dumps({"panels": panels}),
        panel_0=images[0],
        panel_1=images[1],
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stacks")
    return build(folder, STACK, size=(60, 50), write_volume=write_volume)


def ask(token="", secret="", **headers):
    """Status, headers and body of the answer to a browser that holds a secret."""
    sent = {"cookie": f"{READER.cookie}={secret}", "x-reading": token} | headers
    scope = {
        "type": "http", "method": "GET", "path": "/slices", "query_string": b"",
        "scheme": "http", "server": ("testserver", 80), "root_path": "",
        "headers": [(k.encode(), v.encode()) for k, v in sent.items()],
    }  # fmt: skip
    messages = []

    async def receive():
        return {"type": "http.request", "body": b""}

    async def send(message):
        messages.append(message)

    asyncio.run(Starlette(routes=reading_room()["routes"])(scope, receive, send))
    told = {k.decode(): v.decode() for k, v in messages[0]["headers"]}
    return messages[0]["status"], told, messages[-1].get("body", b"")


def test_the_middle_slice_comes_first_then_those_around_it(anna, open_room):
    layout = open_room.study.manifest.volumes
    token = anna.next_reading().token
    content = anna.volume(token)
    size = SHAPE[1] * SHAPE[2] * 3
    parts = [content[AFFINE + k * size : AFFINE + (k + 1) * size] for k in range(4)]
    sent = outwards(content, layout)
    affine, seal = content[:AFFINE], content[-SEAL:]
    assert sent == b"".join([affine, *(parts[k] for k in (2, 1, 3, 0)), seal])
    assert outwards(content, layout, 1) == sent[: AFFINE + size]


def test_slices_go_to_who_has_opened_the_reading(anna, open_room, cookies):
    secret, study = cookies[READER.cookie], open_room.study
    first, second, _ = anna.progress().history.orders[1]
    assert ask(first, secret)[::2] == (404, b"")  # not opened yet
    anna.next_reading()
    whole = outwards(study.volume_bytes(first), study.manifest.volumes)
    status, headers, body = ask(first, secret)
    assert (status, headers["x-reading"], body) == (200, first, whole)
    assert headers["cache-control"] == "no-store"
    assert ask(first, secret, range="bytes=200-")[::2] == (206, whole[200:])
    assert ask(first, secret, range="bytes=200-300")[::2] == (200, whole)
    assert ask(second, secret)[::2] == (404, b"")
    assert ask(first, "another")[::2] == (401, b"")

    found = fetched._picture_ahead(secret)
    assert found.headers["x-reading"] == second
    assert found.body == outwards(study.volume_bytes(second), study.manifest.volumes)
    (study.folder / "volumes" / f"{first}.bin").write_bytes(b"torn")
    assert ask(first, secret)[::2] == (404, b"")


def test_what_was_answered_can_be_looked_at_again(anna, cookies):
    read_trial(anna)
    token = anna.progress().history.orders[1][0]
    assert ask(token, cookies[READER.cookie])[0] == 200
    assert anna.correct(token, GOOD, {}, why="x")


def test_a_training_case_is_handed_out_while_it_is_at_hand():
    practice = SimpleNamespace(case=SimpleNamespace(token="p1"))  # noqa: S106
    training = SimpleNamespace(
        at_hand=lambda _: practice, volume=lambda given: (given is practice, "training")
    )
    session = SimpleNamespace(
        training=training,
        progress=lambda: SimpleNamespace(trial=1),
        volume=lambda token: (token, "reading"),
    )
    assert fetched._content(session, "p1") == (True, "training")
    assert fetched._content(session, "r1") == ("r1", "reading")
