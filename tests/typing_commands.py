"""Commands as the reader of a page types them."""

import subprocess
import sys

from analysis.cli import main as analyze
from app.cli import main as reading_room
from magic_model.cli import main as model
from reader_study.cli import main as study
from tests.programs import find_program
from tests.serving import free_port, served


def sed(arguments):
    """Edit a file, as the reader of a page would."""
    return subprocess.run(["sed", *arguments], check=False).returncode  # noqa: S607


def rscript(arguments):
    """Run a script of R, as the reader of a page would."""
    program = find_program("Rscript", "r-base-core, with r-cran-vcd, r-cran-psych")
    done = subprocess.run([program, *arguments], check=False, stdout=subprocess.PIPE)
    print(done.stdout.decode())
    return done.returncode


MAIN = {
    "Rscript": rscript,
    "magic-analyze": analyze,
    "magic-app": reading_room,
    "magic-model": model,
    "magic-study": study,
    "sed": sed,
}
HOST = "--allowed-host"
SERVES = [("magic-app", name) for name in ("read", "monitor", "pilo")]


def serve(words, shown, folder):
    """Run a command that serves until stopped, at a port that is free."""
    port = str(free_port())
    given = words[words.index("--port") + 1] if "--port" in words else None
    called = [port if word == given else word for word in words[1:]]
    called += [] if given else ["--port", port]
    host = words[words.index(HOST) + 1] if HOST in words else "127.0.0.1"
    command = [sys.executable, "-m", "app.cli", *called]
    with served(command, port, folder, host=host) as found:
        page, printed = found
    assert "<html" in page
    for line in shown:
        assert (line.replace(given, port) if given else line) in printed, (words, line)


def typed(words, shown, folder, capsys):
    """Run a command to its end, or until its page is there; compare what it prints."""
    if tuple(words[:2]) in SERVES:
        serve(words, shown, folder)
        return
    assert MAIN[words[0]](words[1:]) == 0, words
    printed = capsys.readouterr().out
    for line in shown:
        assert line in printed, (words, line)
