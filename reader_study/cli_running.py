"""Commands of `magic-study` on a running study: parse, call, print."""

from pathlib import Path
from typing import Annotated

import typer

from reader_study.cli_readers import By, Database, Folder, Name, Reason, reader

Key = Annotated[Path, typer.Option(help="The sealed key.")]
PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        help="One passphrase on each line; else MAGIC_STUDY_PASSPHRASE (and _2), "
        "else you are asked."
    ),
]
Anchors = Annotated[
    list[Path] | None,
    typer.Option("--anchor", help="Receipt or lock record that the log must fit."),
]
Share = Annotated[float, typer.Option(min=0, max=1)]

_UNVERIFIED = 1


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the program."""
    app.add_typer(reader, name="reader")
    for name, command in (
        ("open", open_),
        ("status", status),
        ("early", early),
        ("amend", amend),
        ("simulate", simulate),
        ("lock", lock),
        ("unblind", unblind),
        ("verify", verify),
        ("export", export),
    ):
        app.command(name)(command)


def open_(folder: Folder, by: By, database: Database = None) -> None:
    """Let readers begin; says what is missing if it cannot."""
    from reader_study.commands import course

    typer.echo(course.open_(folder, database, by=by))


def status(
    folder: Folder,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    database: Database = None,
) -> None:
    """Show how far everybody has come; never an answer."""
    from reader_study.commands import course

    typer.echo(course.status(folder, database, as_json=as_json))


def early(
    folder: Folder,
    name: Name,
    reason: Reason,
    by: By,
    second: Annotated[str, typer.Option(help="Who approves; another person.")],
    trial: Annotated[int, typer.Option(help="Trial that may begin.")] = 2,
    database: Database = None,
) -> None:
    """Let a reader begin before the washout is over: a deviation."""
    from reader_study.commands import course
    from reader_study.running.lifecycle import EarlyStart

    start = EarlyStart(name, trial, reason, by, second)
    typer.echo(course.early(folder, database, start))


def amend(
    folder: Folder,
    change: Annotated[str, typer.Option(help="What is done otherwise.")],
    reason: Reason,
    by: By,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Takes effect by itself: washout_days=14"),
    ] = None,
    database: Database = None,
) -> None:
    """Record an amendment of the protocol; study.toml stays as it is."""
    from reader_study.commands import course
    from reader_study.running.lifecycle import Amendment

    amendment = Amendment(change, reason, by, course.set_values(settings or []))
    typer.echo(course.amend(folder, database, amendment))


def simulate(
    folder: Folder,
    key: Key,
    passphrase_file: PassphraseFile = None,
    kappa: Share = 0.6,
    bias: Share = 0.0,
    missing: Share = 0.0,
    within_case: Share = 0.3,
    within_reader: Share = 0.1,
    corrected: Share = 0.0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all chance.")] = 1,
    database: Database = None,
) -> None:
    """Let bots read a study without readers; it stays marked as simulated."""
    from reader_study.commands import keys
    from reader_study.commands.passphrases import passphrases_of
    from reader_study.rehearsal.bots import SimulationPlan

    plan = SimulationPlan(kappa, bias, missing, within_case, within_reader, corrected)
    passphrases = passphrases_of(passphrase_file)
    place = (folder, database)
    typer.echo(keys.simulate(place, key, passphrases, plan, seed=seed))


def lock(
    folder: Folder,
    by: By,
    incomplete: Annotated[
        str, typer.Option(help="Why although trials are not signed; a deviation.")
    ] = "",
    database: Database = None,
) -> None:
    """Freeze the data: nothing is added any more."""
    from reader_study.commands import course

    typer.echo(course.lock(folder, database, by=by, incomplete=incomplete))


def unblind(
    folder: Folder,
    key: Key,
    names: Annotated[
        list[str], typer.Option("--name", help="Who unblinds; give two people.")
    ],
    reason: Reason,
    out: Annotated[Path, typer.Option(help="New folder, outside the study.")],
    passphrase_file: PassphraseFile = None,
    anchor: Anchors = None,
    database: Database = None,
) -> None:
    """Open the key, once data are locked, and write responses.csv."""
    from reader_study.commands import keys
    from reader_study.commands.passphrases import passphrases_of

    passphrases = passphrases_of(passphrase_file)
    wish = keys.Wish(key, passphrases, names, reason, out, anchor or [])
    typer.echo(keys.unblind((folder, database), wish))


def verify(folder: Folder, anchor: Anchors = None, database: Database = None) -> int:
    """Check the log and all that it covers; status 1 if anything was changed."""
    from reader_study.commands import course

    text, sound = course.verify(folder, database, anchor or [])
    typer.echo(text)
    return 0 if sound else _UNVERIFIED


def export(
    folder: Folder,
    out: Annotated[Path, typer.Option(help="A new CSV file.")],
    by: By,
    database: Database = None,
) -> None:
    """Write all answers, masked: without case and method."""
    from reader_study.commands import course

    typer.echo(course.export(folder, database, out, by=by))
