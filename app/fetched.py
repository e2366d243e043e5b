"""What a page fetches by routes of its own: slices of a stack, and the next picture.

Of a stack the page brings the first slice with the questions, so that it is painted at
once; the others follow, from the middle outwards. All containers of a study have one
grid and one length, so order and length of what is sent are the same for every case and
method.

What the next reading shows is handed out while the current one is read: to who is
signed in, only for the reading that comes next in the reader's own order, and only once
the current one is on the screen. It counts as nothing: a reading is opened when its
page is shown, and its file is checked then again.
"""

import re

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from app.accounts import READER
from app.room import report
from reader_study.building.volumes import AFFINE
from reader_study.errors import StudyError
from reader_study.formats.manifest import Volumes
from reader_study.reading.reading_session import ReadingSession
from reader_study.running.access import AccessError

TOKEN = "X-Reading"  # noqa: S105, name of a header
"""Header that names the reading whose picture or slices it is, as the keys do."""

NEVER_KEPT = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}

_FROM = re.compile(r"bytes=(\d{1,12})-")


def outwards(content: bytes, layout: Volumes, n_slices: int | None = None) -> bytes:
    """Return a container with its slices from the middle one outwards.

    Args:
        content: Of the container.
        layout: Of all containers.
        n_slices: How many slices; None for all, and what follows them.
    """
    size = layout.rows * layout.columns * sum(p.n_bytes for p in layout.panels)
    middle = layout.slices // 2
    order = sorted(range(layout.slices), key=lambda k: (abs(k - middle), k))
    begins = (AFFINE + k * size for k in order[:n_slices])
    slices = (content[begin : begin + size] for begin in begins)
    rest = content[AFFINE + layout.slices * size :] if n_slices is None else b""
    return b"".join([content[:AFFINE], *slices, rest])


async def slices_of(request: Request) -> Response:
    """Answer 200 or 206 with the slices, 401 to strangers, else 404.

    The header names the reading, which the reader must have opened, or the training
    case at hand; a range that has no end goes on where a connection was lost.
    """
    secret = request.cookies.get(READER.cookie, "")
    told = request.headers.get(TOKEN, ""), request.headers.get("Range", "")
    return await run_in_threadpool(_slices_of, secret, *told)


def _slices_of(secret: str, token: str, wanted: str) -> Response:
    try:
        room = READER.room_of(secret)
        reader = READER.resume(room, secret, alive=False)
        layout = room.study.manifest.volumes
        session = room.session_of(reader)
        content = _content(session, token) if layout else b""
    except AccessError:
        return Response(status_code=401, headers=NEVER_KEPT)
    except StudyError as error:  # the page says it when it is loaded anew
        report(error)
        layout = None
    if layout is None:
        return Response(status_code=404, headers=NEVER_KEPT)
    found = _FROM.fullmatch(wanted)
    begin = int(found[1]) if found else 0
    body = outwards(content, layout)
    return Response(
        body[begin:],
        206 if begin else 200,
        NEVER_KEPT | {TOKEN: token},
        "application/octet-stream",
    )


def _content(session: ReadingSession, token: str) -> bytes:
    practice = session.training.at_hand(session.progress().trial)
    if practice is not None and practice.case.token == token:
        return session.training.volume(practice)
    return session.volume(token)


async def picture_ahead(request: Request) -> Response:
    """Answer 200 with the file, 204 if there is none to hand out, 401 to strangers."""
    # Such a fetch is no sign of the reader: it does not keep a session alive.
    secret = request.cookies.get(READER.cookie, "")
    return await run_in_threadpool(_picture_ahead, secret)


def _picture_ahead(secret: str) -> Response:
    try:
        room = READER.room_of(secret)
        reader = READER.resume(room, secret, alive=False)
        found = room.session_of(reader).picture_ahead()
    except AccessError:
        return Response(status_code=401, headers=NEVER_KEPT)
    except StudyError as error:  # the page says it when the reading's turn comes
        report(error)
        found = None
    if found is None:
        return Response(status_code=204, headers=NEVER_KEPT)
    token, picture = found
    if layout := room.study.manifest.volumes:
        picture = outwards(picture, layout)
    return Response(
        picture,
        media_type="application/octet-stream",
        headers=NEVER_KEPT | {TOKEN: token},
    )
