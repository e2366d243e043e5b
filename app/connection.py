"""The page as a server sends it: Streamlit's own, with a script that watches over it.

The script says when the connection is gone, or never came. It cannot be a component:
those come over the connection.
"""

from functools import cache
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

SCRIPT = "/connection.js"
"""Path of the script; the page asks for it beside itself."""

_END = "</head>"


def routes() -> list[Route]:
    """Return the routes of the page and its script, to be served before Streamlit's."""
    pages = [Route(path, _page, methods=["GET"]) for path in ("/", "/index.html")]
    return [*pages, Route(SCRIPT, _script, methods=["GET"])]


@cache
def page_of(streamlit: str) -> str:
    """Return Streamlit's page with the script.

    Raises:
        ValueError: If it is none.
    """
    if streamlit.count(_END) != 1:
        msg = f"Streamlit's page must have one {_END}, got {streamlit.count(_END)}"
        raise ValueError(msg)
    return streamlit.replace(_END, f'  <script defer src=".{SCRIPT}"></script>\n{_END}')


def _page(_: Request) -> Response:
    text = files("streamlit").joinpath("static/index.html").read_text("utf-8")
    return HTMLResponse(page_of(text), headers={"Cache-Control": "no-cache"})


def _script(_: Request) -> Response:
    text = files("app.components").joinpath("connection.js").read_text("utf-8")
    kind = "text/javascript"
    return Response(text, media_type=kind, headers={"Cache-Control": "no-cache"})
