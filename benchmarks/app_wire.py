"""A reader without a browser: speaks over the websocket as a page does."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.Delta_pb2 import Delta
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect

_CHOICES = (0, 0, 0, 0, 0, 1, 3)
"""Place on its scale of the answer to each question."""


@dataclass
class Page:
    """What a page shows, as far as a reading needs it.

    Attributes:
        radios: Identifier and labels of each question.
        save: Identifier of the button that saves; empty if there is none.
        token: Of the picture, out of the identifier of the button.
        fragment: Identifier of the part of the page that the questions are.
        picture: Bytes of the picture shown last.
        finished: Whether the trial waits for its signature.
    """

    radios: dict[str, list[str]] = field(default_factory=dict)
    save: str = ""
    fragment: str = ""
    picture: int = 0
    finished: bool = False

    def take(self, delta: Delta) -> None:
        """Take note of a part of the page that has come."""
        kind = delta.new_element.WhichOneof("type")
        element = delta.new_element
        if kind == "radio":
            self.radios[element.radio.id] = list(element.radio.options)
            self.fragment = delta.fragment_id
        elif kind == "button" and element.button.label.startswith("Save and"):
            self.save = element.button.id
        elif kind == "button" and element.button.label.startswith("Sign trial"):
            self.finished = True
        elif kind == "bidi_component" and element.bidi_component.bytes:
            self.picture = len(element.bidi_component.bytes)


class Reader:
    """One page of a reader who is signed in."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._known: dict[str, ForwardMsg] = {}
        self.page = Page()

    @classmethod
    async def join(cls, url: str, cookies: Mapping[str, str]) -> "Reader":
        """Open the page."""
        sent = "; ".join(f"{name}={value}" for name, value in cookies.items())
        socket = await connect(
            url.replace("http", "ws") + "_stcore/stream",
            subprotocols=["streamlit"],  # type: ignore[list-item]
            origin=url.rstrip("/"),  # type: ignore[arg-type]
            additional_headers={"Cookie": sent},
            max_size=None,
        )
        reader = cls(socket)
        await reader._run((), "")
        return reader

    async def answer(self, n_answered: int) -> float:
        """Choose the first answers, and give the seconds until the page has settled."""
        return await self._run(self._answers(n_answered), self.page.fragment)

    async def save(self) -> float:
        """Save, and give the seconds until the next case has come whole."""
        answers = [*self._answers(len(_CHOICES))]
        pressed = WidgetState(id=self.page.save, trigger_value=True)
        before, self.page = self.page.save, Page()
        seconds = await self._run([*answers, pressed], "")
        if not self.page.finished and self.page.save in ("", before):
            msg = "The next case must come after saving, got another page"
            raise RuntimeError(msg)
        return seconds

    async def leave(self) -> None:
        """Close the page."""
        await self._socket.close()

    def _answers(self, n_answered: int) -> Iterable[WidgetState]:
        questions = list(self.page.radios.items())[:n_answered]
        for (name, labels), choice in zip(questions, _CHOICES, strict=False):
            yield WidgetState(id=name, string_value=labels[choice])

    async def _run(self, widgets: Iterable[WidgetState], fragment: str) -> float:
        state = ClientState(fragment_id=fragment)
        state.widget_states.widgets.extend(widgets)
        start = time.perf_counter()
        await self._socket.send(BackMsg(rerun_script=state).SerializeToString())
        finished: Any = None
        while finished is None:
            finished = self._finished(await self._message())
        if finished:
            msg = "The server must run the page to its end, got an error"
            raise RuntimeError(msg)
        return time.perf_counter() - start

    async def _message(self) -> ForwardMsg:
        content = await self._socket.recv()
        message = ForwardMsg.FromString(content)  # type: ignore[arg-type]
        if message.WhichOneof("type") == "ref_hash":
            return self._known[message.ref_hash]
        if message.metadata.cacheable:
            self._known = {message.hash: message}
        return message

    def _finished(self, message: ForwardMsg) -> bool | None:
        """None while more is to come; else whether it ended badly."""
        kind = message.WhichOneof("type")
        if kind == "delta":
            self.page.take(message.delta)
            if message.delta.new_element.WhichOneof("type") == "exception":
                return True
        if kind != "script_finished":
            return None
        good = (
            ForwardMsg.FINISHED_SUCCESSFULLY,
            ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY,
        )
        # A run that was given up for a newer one says so; the newer one follows.
        if message.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
            return None
        return message.script_finished not in good
