"""The picture of the next reading, handed to the browser while this one is read.

It goes to who is signed in, only for the reading that comes next in the reader's own
order, and only once the current one is on the screen. It counts as nothing: a reading
is opened when its page is shown, and its file is checked then again.
"""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from app.accounts import READER
from app.room import report, served_room
from app.slices import NEVER_KEPT, TOKEN, outwards
from reader_study.errors import StudyError
from reader_study.running.access import AccessError


async def answer(request: Request) -> Response:
    """Answer 200 with the file, 204 if there is none to hand out, 401 to strangers."""
    # Such a fetch is no sign of the reader: it does not keep a session alive.
    secret = request.cookies.get(READER.cookie, "")
    return await run_in_threadpool(_answer, secret)


def _answer(secret: str) -> Response:
    try:
        room = served_room()
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
