"""Jobs of the app: check what is to be served, say where it is found, and serve it.

The parameters are the options of `magic-app`, which `app.cli` reads from here.
"""

import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from app import configuration
from reader_study.errors import StudyError

Port = Annotated[int, typer.Option(min=1, max=65535, help="Port.")]
StudyFolder = Annotated[
    configuration.StrPath, typer.Argument(help="Folder of the built study.")
]
MoreStudies = Annotated[
    list[Path] | None, typer.Argument(help="Further studies of the same server.")
]
Database = Annotated[
    str | None,
    typer.Option(help="URL, sqlite:///... or postgresql://...; else the study's."),
]

DEMO_FOLDER = Path("reading-demo")


def serve_reading_room(
    study: Annotated[
        configuration.StrPath | None, typer.Argument(help="Folder of the built study.")
    ] = None,
    more: MoreStudies = None,
    *,
    port: Port = 8501,
    database: Database = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Make a small study and open that.")
    ] = False,
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(help="Name behind a proxy; the loopback's no more. Repeatable."),
    ] = None,
    secret_file: Annotated[
        configuration.StrPath | None,
        typer.Option(help="Secret shared by all processes; made if missing."),
    ] = None,
    oidc: Annotated[
        configuration.StrPath | None,
        typer.Option(help="TOML of hospital accounts and their readers."),
    ] = None,
) -> None:
    """Serve studies to their readers, on this machine only, or to a proxy on it.

    Runs until stopped. Says first where readers find it, so that faults are told
    before a server runs. Of several studies a reader sees the one that the code names.

    Args:
        study: Folder of the built study; with `demo`, folder of the demonstration.
        more: Folders of further studies that the same server serves.
        port: Port on the loopback.
        database: URL of the database; None for the one that the study notes.
        demo: Whether to make a demonstration and open that.
        allowed_host: Names under which browsers know the server behind a proxy; None
            for the loopback's.
        secret_file: File of the secret that all processes share; made if missing.
        oidc: File of hospital accounts that let readers in; None for codes alone.

    Raises:
        StudyError: If the study, its database, a file or the port cannot be used.
        TypeError: If something that must be a path is none.
        ValueError: If `port` is no port.
    """
    from app.secret_file import shared_secret

    hosts = tuple(allowed_host or configuration.LOOPBACK)
    secret = (
        shared_secret(configuration.as_path(secret_file, "secret_file"))
        if secret_file
        else ""
    )
    folder = _folder_to_read(study, demo=demo)
    folders = _different([folder, *(more or ())])
    if len(folders) > 1 and (oidc or demo):
        msg = f"--oidc and --demo must be given with one study, got {len(folders)}"
        raise StudyError(msg)
    told = _accounts_told(folder, oidc, hosts)
    states = "\n".join(_each(folders, lambda one: _state_of(one, database)[0]))
    _require_free(port)
    where = f"http://127.0.0.1:{port}"
    if allowed_host:
        where = f"https://{hosts[0]}, through a proxy to {where}"
    _say(f"{states} Readers find it at {where}{told}")
    if demo:
        from app.demo import GUEST, new_code

        _say(f"Drawn pictures, no patients. Name {GUEST}, code {new_code(folder)}")
    configuration.serve_folders(folders)
    os.environ[configuration.DATABASE] = database or ""
    os.environ[configuration.ACCOUNTS] = str(Path(oidc).resolve()) if oidc else ""

    from app import server

    server.serve("app.main", port, hosts=hosts, cookie_secret=secret)


def serve_monitor(
    study: StudyFolder,
    more: MoreStudies = None,
    *,
    port: Port = 8502,
    database: Database = None,
) -> None:
    """Serve the coordinators' desk: progress and codes, never an answer by method.

    Runs until stopped. Says first where coordinators find it. Of several studies a
    coordinator sees the one that the passphrase names.

    Args:
        study: Folder of the built study.
        more: Folders of further studies that the same server serves.
        port: Port on the loopback.
        database: URL of the database; None for the one that the study notes.

    Raises:
        StudyError: If the study, its database or the port cannot be used, or nobody
            may sign in.
        TypeError: If `study` is no path.
        ValueError: If `port` is no port.
    """
    folders = _different([configuration.as_path(study, "study"), *(more or ())])
    told = _each(folders, lambda folder: _desk_of(folder, database, named=bool(more)))
    _require_free(port)
    where = f"http://127.0.0.1:{port}"
    _say("\n".join(f"{text}{where}" for text in told))
    configuration.serve_folders(folders)
    os.environ[configuration.DATABASE] = database or ""

    from app import server

    server.serve("app.monitor", port)


def serve_explorer(
    *,
    checkpoint: Annotated[configuration.StrPath, typer.Option(help="Trained network.")],
    source: Annotated[
        configuration.StrPath, typer.Option("--input", help="NCCT: NIfTI or DICOM.")
    ],
    port: Port = 8503,
) -> None:
    """Explore the perfusion information ratio of an image; outside any study.

    Runs until stopped. Says first what is explored, and where; what was loaded for
    that is not loaded again.

    Args:
        checkpoint: A checkpoint, or the folder of a run.
        source: A NIfTI file, a folder of DICOM images, or a cohort of one patient.
        port: Port on the loopback.

    Raises:
        ExplorerError: If the checkpoint or the NCCT cannot be used.
        StudyError: If the port cannot be had.
        TypeError: If something that must be a path is none.
        ValueError: If `port` is no port.
    """
    network = configuration.as_path(checkpoint, "checkpoint").resolve()
    image = configuration.as_path(source, "source").resolve()

    from app.pilo.explorer import loaded_explorer

    _require_free(port)
    explorer = loaded_explorer(network, image)
    _say(
        f"{explorer.origin}; {explorer.n_slices} slices\n"
        "Exploratory, outside the blinded study, research use only: "
        f"http://127.0.0.1:{port}"
    )
    os.environ[configuration.CHECKPOINT], os.environ[configuration.INPUT] = (
        str(network),
        str(image),
    )

    from app import server

    server.serve("app.pilo.main", port)


def _different(folders: list[Path]) -> list[Path]:
    """Return folders of studies; refuse one that is given twice."""
    if len({folder.resolve() for folder in folders}) < len(folders):
        msg = f"Studies must differ, got {', '.join(map(str, folders))}"
        raise StudyError(msg)
    return folders


def _each(folders: list[Path], say: Callable[[Path], str]) -> list[str]:
    """Say something of each study; one that cannot be served keeps nobody from others.

    Raises:
        StudyError: If none can be served.
    """
    told, faults = [], []
    for folder in folders:
        try:
            told.append(say(folder))
        except StudyError as error:
            faults.append(error)
    for fault in faults:
        if not told:
            raise fault
        sys.stderr.write(f"magic-app: {fault}\n")
    return told


def _desk_of(folder: Path, database: str | None, *, named: bool) -> str:
    """Return a study's state and who may sign in to its monitor.

    Raises:
        StudyError: If nobody may.
    """
    state, active = _state_of(folder, database)
    if not active:
        msg = (
            "A coordinator must be there to sign in, got none"
            f"{f' in {folder}' * named}; add one with magic-study coordinator add"
        )
        raise StudyError(msg)
    return f"{state} {', '.join(active)} may sign in at "


def _state_of(folder: Path, database: str | None) -> tuple[str, list[str]]:
    """Return a study's title and phase in words, and its active coordinators."""
    from app.room import open_room
    from reader_study.store.access import all_coordinators

    room = open_room(folder, database)
    try:
        phase, protocol = room.state()
        with room.store.reading() as connection:
            active = [c.name for c in all_coordinators(connection) if c.active]
    finally:
        room.store.close()
    return f"{protocol.title}\nThe study is {phase}.", active


def _folder_to_read(study: configuration.StrPath | None, *, demo: bool) -> Path:
    """Return the folder of the study that readers are to read."""
    if not demo and study is None:
        msg = "A study's folder must be given, or --demo, got none"
        raise StudyError(msg)
    given = DEMO_FOLDER if study is None else configuration.as_path(study, "study")
    if not demo:
        return given
    from app.demo import make_demo

    if not (given / "STUDY").exists():
        make_demo(given)
    return given / "STUDY"


def _accounts_told(
    folder: Path, oidc: configuration.StrPath | None, hosts: tuple[str, ...]
) -> str:
    """Check the file of hospital accounts and say how many there are."""
    if not oidc:
        return ""
    from app.oidc.accounts import accounts_for

    accounts = accounts_for(folder, configuration.as_path(oidc, "oidc"), hosts)
    return f"\n{len(accounts.readers)} hospital account(s) of {accounts.issuer}"


def _require_free(port: int) -> None:
    """Refuse a port of the loopback that another program has."""
    configuration.require_port(port)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            msg = f"Port {port} must be free, got {error.strerror}"
            raise StudyError(msg) from error


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
