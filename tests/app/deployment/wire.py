"""A web socket client that is no browser, and the search in what it was sent."""

import gzip
import zlib
from base64 import b64decode, b64encode
from contextlib import ExitStack

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from app.accounts import READER


class Socket:
    """One connection to a process.

    Args:
        port: Of the process.
        secret: What Anna's browser keeps; empty for none.
        session: Id of a Streamlit session to take over.
        origin: Of the page that connects.
    """

    def __init__(self, port, secret="", session="", origin="", headers=()):
        protocols = ["streamlit", "none", *([session] if session else [])]
        sent = dict(headers) | (
            {"Cookie": f"{READER.cookie}={secret}"} if secret else {}
        )
        self.closing = ExitStack()
        opening = connect(
            f"ws://127.0.0.1:{port}/_stcore/stream",
            subprotocols=protocols,
            origin=origin or f"http://127.0.0.1:{port}",
            additional_headers=sent,
            max_size=None,
            proxy=None,
        )
        self.connection = self.closing.enter_context(opening)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closing.close()

    def rerun(self):
        """Ask for the page."""
        message = BackMsg()
        message.rerun_script.query_string = ""
        self.connection.send(message.SerializeToString())

    def received(self, quiet=3.0):
        """Everything that comes until it is quiet, as bytes."""
        found = []
        while True:
            try:
                found.append(self.connection.recv(timeout=quiet))
            except (TimeoutError, ConnectionClosed):
                return found

    def page(self):
        self.rerun()
        return self.received()


def session_id(frames):
    """Id of the Streamlit session that frames belong to."""
    for frame in frames:
        message = ForwardMsg.FromString(frame)
        if message.WhichOneof("type") == "new_session":
            return message.new_session.initialize.session_id
    msg = "there must be a new session among the frames"
    raise ValueError(msg)


def forms(word):
    """Ways to write a word: plain, in hexadecimal, in base64 at any offset."""
    plain = word.encode()
    found = {plain, plain.hex().encode()}
    for n in range(3):  # without the ends that it shares with its neighbours
        text = b64encode(b"\0" * n + plain + b"\0\0")
        found.add(text[-(-8 * n // 6) : 8 * (n + len(plain)) // 6])
    return found


def opened(content, depth=2):
    """The bytes, and what is packed inside them by deflate, gzip or base64."""
    if not depth:
        return [content]
    inside = _attempt(lambda: b64decode(content, validate=True))
    for start in _starts(content, (b"\x1f\x8b\x08",)):
        inside += _attempt(
            lambda s=start: zlib.decompressobj(31).decompress(content[s:])
        )
    for start in _starts(content, (b"x\x01", b"x\x5e", b"x\x9c", b"x\xda")):
        inside += _attempt(lambda s=start: zlib.decompressobj().decompress(content[s:]))
    return [content, *(part for found in inside for part in opened(found, depth - 1))]


def words_in(content, words):
    """Which words stand in the bytes in any form, capitals or not."""
    texts = [text for part in opened(content) for text in (part, part.lower())]
    return [
        word
        for word in words
        if any(form in text for form in forms(word) for text in texts)
    ]


def packed(word):
    """A word in every form that `words_in` has to find."""
    plain = b"some text before " + word.encode() + b" and after"
    return [
        plain, plain.upper().lower(), plain.hex().encode(), b64encode(plain),
        b"??" + zlib.compress(plain) + b"?", b"?" + gzip.compress(plain),
        b64encode(zlib.compress(plain)),
    ]  # fmt: skip


def _starts(content, marks):
    for mark in marks:
        at = content.find(mark)
        while at >= 0:
            yield at
            at = content.find(mark, at + 1)


def _attempt(read):
    try:
        return [read()]
    except (ValueError, zlib.error):
        return []
