"""Reading room and monitor of one study, for the tests in a real browser."""

import shutil
from contextlib import contextmanager

from app.room import open_room
from reader_study.running.access import add_coordinator
from tests.app.answers import read_trial
from tests.app.browser.driving import Server, see, settle

PARTS = ("Overview", "Progress", "Readers and codes")


@contextmanager
def serving(built, folder, prepare):
    """Serve a copy of a built study, prepared in its room."""
    shutil.copytree(built, folder)
    room = open_room(folder)
    prepare(room)
    passphrase = add_coordinator(room.store, "eve", by="operator", clock=room.clock)
    room.store.close()
    reading, monitor = Server(folder), Server(folder, "monitor")
    monitor.passphrase = passphrase
    try:
        reading.start()
        monitor.start()
        yield reading, monitor
    finally:
        for server in (reading, monitor):
            if hasattr(server, "process"):
                server.stop()


def read_and_sign(room, name):
    """Let a reader answer and sign the trial at hand."""
    session = room.session_of(name)
    read_trial(session)
    session.sign(session.progress().trial)


def enter(page, monitor):
    page.goto(monitor.url)
    see(page, "Coordinator: sign in")
    page.get_by_label("Name").fill("eve")
    page.get_by_label("Passphrase", exact=True).fill(monitor.passphrase)
    page.get_by_label("Passphrase", exact=True).press("Enter")
    see(page, "Before it can be locked")


def choose(page, part):
    page.locator(".st-key-page").get_by_text(part).click()
    settle(page)
