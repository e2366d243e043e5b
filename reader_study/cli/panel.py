"""Commands `magic-study disagreements` and `truth`: what follows from a panel."""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from reader_study.cli import options
from reader_study.errors import StudyError


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the program."""
    for command in (disagreements, truth):
        app.command()(command)


_AcceptMissing = Annotated[
    list[str] | None,
    typer.Option(help="Pseudo-ID of a case taken although readings are missing."),
]


def disagreements(
    folder: options.Folder,
    by: options.By,
    readers: Annotated[
        bool, typer.Option("--readers", help="Say who answered what.")
    ] = False,
    accept_missing: _AcceptMissing = None,
    out: Annotated[
        Path | None,
        typer.Option(help="New protocol of the adjudication, beside cases.csv."),
    ] = None,
    cases: Annotated[
        Path | None, typer.Option(help="cases.csv of the panel, with --out.")
    ] = None,
    key: Annotated[
        Path | None, typer.Option(help="The sealed key, with --out.")
    ] = None,
    passphrase_file: options.PassphraseFile = None,
    database: options.Database = None,
) -> None:
    """List cases of a locked panel of which its rule gives no answer.

    With --out their adjudication is prepared: protocol, cases and questionnaire.
    """
    from reader_study.building import from_panel
    from reader_study.running import panel, unblinding

    if len({one is None for one in (out, cases, key)}) > 1:
        msg = "--out, --cases and --key must be given together"
        raise StudyError(msg)
    accepted = accept_missing or []
    with options.opened(folder, database) as s:
        panel.require_known(accepted, [s.study])
        found = panel.read_panel(s.study, s.store, accept_missing=accepted)
        text = found.to_text(named=readers)
        files = {}
        if out is not None and cases is not None and key is not None and found.open:
            passphrases = options.passphrases_of(passphrase_file)
            content = unblinding.open_key(s.study, key, passphrases)
            left = {
                content.cells[case.token].case: found.in_words(case)
                for case in found.open
            }
            files = from_panel.adjudication_files(s.study, left, cases, out)
        panel.keep_that_read(s.store, panel.DISAGREEMENTS, text, by=by, clock=s.clock)
        from_panel.write_files(files)
    print(text)
    if files:
        print("\n".join(f"{path} written." for path in files))
        print(
            f"Next: magic-study build {out} --cases {[*files][1]} --out ... --key ..."
        )
    elif out is not None:
        print("Nothing to adjudicate, and nothing written.")


def truth(
    from_panel: Annotated[Path, typer.Option(help="Folder of the panel, locked.")],
    key: options.Key,
    cases: Annotated[Path, typer.Option(help="cases.csv of the next study.")],
    out: Annotated[
        Path,
        typer.Option(help="New cases.csv beside it; a record is written as .json."),
    ],
    by: options.By,
    adjudication: Annotated[
        Path | None, typer.Option(help="Folder of its adjudication, locked.")
    ] = None,
    adjudication_key: Annotated[
        Path | None, typer.Option(help="Key of the adjudication.")
    ] = None,
    accept_missing: _AcceptMissing = None,
    passphrase_file: options.PassphraseFile = None,
    adjudication_passphrase_file: Annotated[
        Path | None, typer.Option(help="Of that key [as the other].")
    ] = None,
    database: options.Database = None,
    adjudication_database: options.Database = None,
) -> None:
    """Write what a panel says as the truth of another study, with its source."""
    from reader_study.building.from_panel import cases_with_truth, write_files
    from reader_study.running import panel, unblinding

    if (adjudication is None) != (adjudication_key is None):
        msg = "--adjudication and --adjudication-key must be given together"
        raise StudyError(msg)
    accepted = accept_missing or []
    own = adjudication_passphrase_file or passphrase_file
    given = [(from_panel, database, key, passphrase_file)]
    if adjudication is not None and adjudication_key is not None:
        given.append((adjudication, adjudication_database, adjudication_key, own))
    with ExitStack() as stack:
        opened = [stack.enter_context(options.opened(f, d)) for f, d, _, _ in given]
        panel.require_known(accepted, [s.study for s in opened])
        rounds = []
        for s, (_, _, path, phrase) in zip(opened, given, strict=True):
            found = panel.read_panel(s.study, s.store, accept_missing=accepted)
            phrases = options.passphrases_of(phrase)
            rounds.append(
                panel.Round(found, unblinding.open_key(s.study, path, phrases))
            )
        made = panel.panel_truth(rounds, accepted)
        files = cases_with_truth(cases, made, out)
        for s in opened:
            panel.keep_that_read(s.store, panel.TRUTH, files[out], by=by, clock=s.clock)
        write_files(files)
    print(f"{made.source}.")
    if made.adjudication.get("adjudicator_was_reader"):
        print("Who adjudicated had read in the panel, too.")
    if made.unresolved:
        print(f"Without a truth: {', '.join(made.unresolved)}")
    if made.withdrawn:
        print(f"Withdrawn: {', '.join(made.withdrawn)}")
    print("\n".join(f"{path} written." for path in files))
