"""Commands on a running study, but for those that need the key."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reader_study.cli import options
from reader_study.errors import StudyError

if TYPE_CHECKING:
    pass

_UNVERIFIED = 1


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the program."""
    app.command("open")(open_)
    for command in (status, early, amend, lock, verify, export):
        app.command()(command)


def open_(
    folder: options.Folder, by: options.By, database: options.Database = None
) -> None:
    """Let readers begin; says what is missing if it cannot."""
    from reader_study.reading.recording import short_code

    with options.opened(folder, database) as s:
        head = s.start(by=by)
    commitment = s.manifest.commitment
    print(f"Open. Entry {short_code(head)}; commitment to the key {commitment}")


def status(
    folder: options.Folder,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    database: options.Database = None,
) -> None:
    """Show how far everybody has come; never an answer."""
    from reader_study.store.milestones import Phase

    with options.opened(folder, database) as s:
        flow = s.flow()
        problems = s.problems() if flow.status.phase is Phase.BUILT else []
    if as_json:
        content = flow.to_record().to_dict() | {"problems": problems}
        print(json.dumps(content, indent=2))
        return
    print(flow.status.to_text())
    for problem in problems:
        print(f"Cannot be opened: {problem}")


def early(
    folder: options.Folder,
    name: options.ReaderName,
    reason: options.Reason,
    by: options.By,
    second: Annotated[str, typer.Option(help="Who approves; another person.")],
    trial: Annotated[int, typer.Option(help="Trial that may begin.")] = 2,
    database: options.Database = None,
) -> None:
    """Let a reader begin before the washout is over: a deviation."""
    from reader_study.reading.recording import short_code
    from reader_study.running.lifecycle import EarlyStart, permit_early_start

    start = EarlyStart(name, trial, reason, by, second)
    with options.opened(folder, database) as s:
        head = permit_early_start(s.study, s.store, start, clock=s.clock)
    print(f"Recorded as a deviation. Entry {short_code(head)}")


def amend(
    folder: options.Folder,
    change: Annotated[str, typer.Option(help="What is done otherwise.")],
    reason: options.Reason,
    by: options.By,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Takes effect by itself: washout_days=14"),
    ] = None,
    database: options.Database = None,
) -> None:
    """Record an amendment of the protocol; study.toml stays as it is."""
    from reader_study.reading.recording import short_code
    from reader_study.running import lifecycle

    amendment = lifecycle.Amendment(change, reason, by, _values(settings or []))
    with options.opened(folder, database) as s:
        head = lifecycle.amend(s.study, s.store, amendment, clock=s.clock)
    print(f"Amended. Entry {short_code(head)}")


def lock(
    folder: options.Folder,
    by: options.By,
    incomplete: Annotated[
        str, typer.Option(help="Why although trials are not signed; a deviation.")
    ] = "",
    accept_damage: options.AcceptDamage = "",
    database: options.Database = None,
) -> None:
    """Freeze the data: nothing is added any more."""
    from reader_study import api

    with options.opened(folder, database, accept_damage) as s:
        record = s.lock(by=by, incomplete=incomplete)
        missing = s.status().missing_closing_text()
    print(f"Locked: {record['n_responses']} answers, SHA-256 {record['data_sha256']}")
    if missing:
        print(missing)
    path = folder / api.LOCK_RECORD
    print(f"Keep a copy of {path} elsewhere; it anchors the log.")


def verify(
    folder: options.Folder,
    anchor: options.Anchors = None,
    draw: Annotated[
        Path | None,
        typer.Option(help="The key: repeat the draw too, after unblinding."),
    ] = None,
    passphrase_file: options.PassphraseFile = None,
    database: options.Database = None,
) -> int:
    """Check the log, all that it covers, and pictures; status 1 if any was changed."""
    from reader_study import api

    with api.open_study(folder, database=database) as s:
        anchors = s.anchors(anchor or [])
        found = s.verify(anchor or [])
        if found.faults:
            print("\n".join([*found.faults, f"{len(found.faults)} faults"]))
            return _UNVERIFIED
        fit = f", {len(anchors)} anchors fit" if anchors else ""
        print(f"{found.head.n} entries verified{fit}; last {found.head.sha256}")
        if draw is not None:
            s.require_unblinded()
            passphrases = options.passphrases_of(passphrase_file)
            number = s.verify_draw(draw, passphrase=passphrases)
            print(
                "The draw holds: protocol and nonce give the same cases, allocation, "
                f"names and orders of all {number} pictures."
            )
    return 0


def export(
    folder: options.Folder,
    out: Annotated[Path, typer.Option(help="A new CSV file.")],
    by: options.By,
    database: options.Database = None,
) -> None:
    """Write all answers, masked: without case and method."""
    with options.opened(folder, database) as s:
        number = s.export(out, by=by)
    print(f"{out}: {number} answers, masked")


def _values(texts: Sequence[str]) -> dict[str, float | bool]:
    values: dict[str, float | bool] = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            read = json.loads(value)
        except json.JSONDecodeError:
            read = None
        if not isinstance(read, bool | int | float):
            msg = f"A setting must be such as washout_days=14, got {text!r}"
            raise StudyError(msg)
        values[name.strip()] = read
    return values
