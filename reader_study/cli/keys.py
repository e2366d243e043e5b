"""The commands that need the key: `simulate` and `unblind`."""

from pathlib import Path
from typing import Annotated

import typer

from reader_study.cli import options

_LEFT = 1

Share = Annotated[float, typer.Option(min=0, max=1)]


_Montages = Annotated[
    Path | None,
    typer.Option("--from", help="Folder of the montages, to restore pictures too."),
]

pictures = typer.Typer(help="Pictures of a study: restore.")
pictures.callback(invoke_without_command=True)(options.show_help)


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the program."""
    for command in (simulate, unblind, restore):
        app.command()(command)
    pictures.command("restore")(restore)
    app.add_typer(pictures, name="pictures")


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
    auc: Annotated[
        float | None,
        typer.Option(
            min=0.5, max=0.999, help="Of the reference method, with truth [0.85]."
        ),
    ] = None,
    auc_test: Annotated[
        float | None,
        typer.Option(min=0.5, max=0.999, help="Of the test method [as the other]."),
    ] = None,
    preferred: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="Chance that an arm is put before the one before [0.6]."
        ),
    ] = None,
    correct: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Share of choices that find the first [0.75]."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all chance.")] = 1,
    database: options.Database = None,
) -> None:
    """Let bots read a study without readers; it stays marked as simulated."""
    passphrases = options.passphrases_of(passphrase_file)
    with options.opened(folder, database) as s:
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
            auc=auc,
            auc_test=auc_test,
            preferred=preferred,
            correct=correct,
        )
    print(done.to_text())


def restore(
    folder: options.Folder,
    key: options.Key,
    montages: _Montages = None,
    passphrase_file: options.PassphraseFile = None,
) -> int:
    """Put back damaged files of STUDY as they were built; status 1 if any is left."""
    from reader_study import api

    passphrases = options.passphrases_of(passphrase_file)
    done = api.restore(folder, key=key, passphrase=passphrases, montages=montages)
    print(done.to_text())
    return _LEFT if done.left else 0


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
    accept_damage: options.AcceptDamage = "",
    database: options.Database = None,
) -> None:
    """Open the key, once data are locked, and write responses.csv."""
    from reader_study.formats.responses import FILE_NAME
    from reader_study.formats.sealed import UNBLINDING as RECORD

    passphrases = options.passphrases_of(passphrase_file)
    with options.opened(folder, database, accept_damage) as s:
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
