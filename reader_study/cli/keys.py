"""The commands that need the key: `simulate` and `unblind`."""

from pathlib import Path
from typing import Annotated

import typer

from reader_study.cli import options

Share = Annotated[float, typer.Option(min=0, max=1)]


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the program."""
    for command in (simulate, unblind):
        app.command()(command)


def simulate(
    folder: options.Folder,
    key: options.Key,
    passphrase_file: options.PassphraseFile = None,
    kappa: Share = 0.6,
    bias: Share = 0.0,
    missing: Share = 0.0,
    within_case: Share = 0.45,
    within_reader: Share = 0.02,
    corrected: Share = 0.0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all chance.")] = 1,
    database: options.Database = None,
) -> None:
    """Let bots read a study without readers; it stays marked as simulated."""
    from reader_study import api

    passphrases = options.passphrases_of(passphrase_file)
    with api.open_study(folder, database=database) as s:
        done = s.simulate(
            key,
            passphrase=passphrases,
            seed=seed,
            kappa=kappa,
            bias=bias,
            missing=missing,
            within_case=within_case,
            within_reader=within_reader,
            corrected=corrected,
        )
    print(done.to_text())


def unblind(
    folder: options.Folder,
    key: options.Key,
    names: Annotated[
        list[str], typer.Option("--name", help="Who unblinds; give two people.")
    ],
    reason: options.Reason,
    out: Annotated[Path, typer.Option(help="New folder, outside the study.")],
    passphrase_file: options.PassphraseFile = None,
    anchor: options.Anchors = None,
    database: options.Database = None,
) -> None:
    """Open the key, once data are locked, and write responses.csv."""
    from reader_study import api
    from reader_study.formats.responses import FILE_NAME
    from reader_study.formats.unblinding import FILE_NAME as RECORD

    passphrases = options.passphrases_of(passphrase_file)
    with api.open_study(folder, database=database) as s:
        done = s.unblind(
            key,
            passphrase=passphrases,
            names=names,
            reason=reason,
            out=out,
            anchors=anchor or [],
        )
    again = done.record["time_of_unblinding"]
    times = "" if again == 1 else f" This is unblinding number {again}."
    print(f"Unblinded; record in {out / RECORD}.{times}")
    print(f"magic-analyze report {out / FILE_NAME} --out ...")
