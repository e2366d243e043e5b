"""A program that serves pages until it is stopped: start it, wait for it, stop it."""

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

PATIENCE = 90.0  # seconds; a loaded machine imports slowly


def free_port():
    """Give a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def served(command, port, cwd, env=None, host="127.0.0.1"):
    """Run a program while its page is there; give the page and what it printed.

    The page is asked for under the name of a host that a proxy would tell.
    """
    log = cwd / f"served-{port}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**(env or os.environ), "PYTHONUNBUFFERED": "1"},
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield _page(process, port, log, host), log.read_text(encoding="utf-8")
    finally:
        _stop(process)


def _page(process, port, log, host):
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/", headers={"Host": host})
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(asked, timeout=5) as page:  # noqa: S310
                return page.read().decode()
        except (OSError, urllib.error.URLError):
            time.sleep(0.2)
    msg = f"no page at port {port}: {log.read_text(encoding='utf-8')}"
    raise AssertionError(msg)


def _stop(process):
    """As Ctrl+C does; what does not obey is killed."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
