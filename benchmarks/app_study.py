"""A study of montages, 1280 x 2560, and its reading server, for `benchmarks.app`."""

import csv
import hashlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from app.accounts import READER
from app.room import Room, open_room
from benchmarks.study_build import montage
from reader_study.building.builder import BuildRequest, build_study
from reader_study.formats.protocol import template
from reader_study.reading.acknowledgements import Confirmation, acknowledge
from reader_study.running.access import issue_code, sign_in
from reader_study.running.lifecycle import open_for_reading
from reader_study.running.registry import Profile, add_reader

_BY = "benchmark"
_WAIT = 60.0  # seconds
_HERTZ = os.sysconf("SC_CLK_TCK")
_STACK = '\n[reading]\nviewer = "stack"\n'


@dataclass(frozen=True)
class Usage:
    """What a process has used.

    Attributes:
        cpu: Seconds of CPU time since its start.
        mebibytes: Memory that it holds now.
    """

    cpu: float
    mebibytes: float


class Server:
    """The command `magic-app read` in a process of its own."""

    def __init__(self, study: Path, database: str = "") -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}/"
        command = [sys.executable, "-m", "app.cli", "read", str(study)]
        command += ["--database", database] if database else []
        self._process = subprocess.Popen(
            [*command, "--port", str(self.port)], stdout=subprocess.DEVNULL
        )
        deadline = time.monotonic() + _WAIT
        while not self._answers():
            if time.monotonic() > deadline:
                msg = f"The server must answer within {_WAIT:.0f} s"
                raise TimeoutError(msg)
            time.sleep(0.1)

    def usage(self) -> Usage:
        """Say what the server has used."""
        status = Path(f"/proc/{self._process.pid}")
        fields = (status / "stat").read_text().rpartition(")")[2].split()
        pages = int((status / "statm").read_text().split()[1])
        page = os.sysconf("SC_PAGE_SIZE")
        return Usage(
            cpu=(int(fields[11]) + int(fields[12])) / _HERTZ,
            mebibytes=pages * page / 2**20,
        )

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.wait(20)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}_stcore/health", timeout=2):  # noqa: S310
                return True
        except OSError:
            return False


def make_study(
    root: Path,
    n_cases: int,
    n_readers: int,
    *,
    write_volume: Callable[[Path, int], None] | None = None,
    database: str | None = None,
) -> Room:
    """Build a study in the form of the paper's montages and open it to its readers.

    Args:
        root: Folder that gets everything.
        n_cases: Of a trial.
        n_readers: Who are admitted.
        write_volume: Writes the n-th volume; readers then see stacks.
        database: URL; None for a file in the study's folder.
    """
    _write_cases(root, n_cases, write_volume)
    protocol = template() + (_STACK if write_volume else "")
    for old, new in (
        ("none = 7", "none = 0"),
        ("mild_moderate = 6", "mild_moderate = 0"),
        ("severe = 7", f"severe = {n_cases}"),
        ("min_distance = 3", "min_distance = 0"),
        ("number = 7", f"number = {n_readers}"),
    ):
        protocol = protocol.replace(old, new)
    (root / "study.toml").write_text(protocol, encoding="utf-8")
    build_study(
        BuildRequest(
            protocol=root / "study.toml",
            cases=root / "cases.csv",
            out=root / "STUDY",
            key=root / "KEY",
            passphrases=("for a benchmark only",),
        )
    )
    room = open_room(root / "STUDY", database)
    for n in range(n_readers):
        profile = Profile(reader_name(n), "neuroradiologist", 10)
        add_reader(room.study, room.store, profile, by=_BY, clock=room.clock)
    open_for_reading(room.study, room.store, by=_BY, clock=room.clock)
    return room


def _write_cases(
    root: Path, n_cases: int, write_volume: Callable[[Path, int], None] | None
) -> None:
    drawn = montage(np.random.default_rng(0))
    kinds = ("image", "volume") if write_volume else ("image",)
    with (root / "cases.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        sides = [f"{side}_{kind}" for kind in kinds for side in ("reference", "test")]
        writer.writerow(["case", "severity", *sides])
        for case in range(n_cases):
            names = [f"{side}-{case}.png" for side in "ab"]
            for shift, name in enumerate(names):
                moved = np.roll(drawn, 16 * (2 * case + shift), axis=0)
                Image.fromarray(moved).save(root / name, compress_level=1)
            volumes = [f"{side}-{case}.npz" for side in "ab"] if write_volume else []
            for shift, name in enumerate(volumes):
                if write_volume:
                    write_volume(root / name, 2 * case + shift)
            writer.writerow([f"case-{case}", "severe", *names, *volumes])


def reader_name(n: int) -> str:
    """Name a reader."""
    return f"reader-{n + 1}"


def let_in(room: Room, reader: str) -> dict[str, str]:
    """Sign a reader in, past instructions and display check, and give the cookie."""
    store, clock = room.store, room.clock
    code = issue_code(store, reader, by=_BY, clock=clock)
    secret = sign_in(store, reader, code, clock=clock).secret
    seen = hashlib.sha256(secret.encode()).hexdigest()[:16]
    for kind, version in (
        (Confirmation.INSTRUCTIONS, room.study.manifest.protocol_sha256),
        (Confirmation.DISPLAY, seen),
    ):
        acknowledge(store, reader, kind, version, clock=clock)
    return {READER.cookie: secret}
