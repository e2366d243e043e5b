"""Commands before a study has readers: `init`, `preregister`, `build`, `audit`, ..."""

from pathlib import Path
from typing import Annotated

import typer

from reader_study.cli import options

_LEAKS = 1


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the program."""
    for command in (init, preview, plan, preregister, build, audit):
        app.command()(command)


def init(
    protocol: Annotated[Path, typer.Argument(help="New file.")] = Path("study.toml"),
    template: Annotated[
        str,
        typer.Option(
            help="magic, turing, three-arms, inter-rater, preference, afc, ranking, "
            "aided, grading or panel."
        ),
    ] = "magic",
    demo: Annotated[
        bool, typer.Option("--demo", help="Draw pictures to try it with, too.")
    ] = False,
) -> None:
    """Write a commented protocol to begin with, of a design of your choice."""
    from reader_study.building.demo import write_template

    first, *others = write_template(protocol, template, demo=demo)
    print(
        f"{first} written. Read it, change it, then: magic-study build {protocol} ..."
    )
    for path in others:
        print(f"{path} written.")


def preview(
    path: Annotated[Path, typer.Argument(help="study.toml, or a built study.")],
    cases: Annotated[
        Path | None, typer.Option(help="cases.csv, with a study.toml.")
    ] = None,
    table: Annotated[
        bool, typer.Option("--table", help="Print a row for each reading, as CSV.")
    ] = False,
) -> None:
    """Show who reads how much when, or each reading; nothing of what it is."""
    from reader_study.building import planning

    found = planning.preview(path, cases)
    print(found.to_csv().rstrip("\n") if table else found.to_text())


def plan(
    path: Annotated[Path, typer.Argument(help="study.toml, or a built study.")],
    cases: Annotated[
        Path | None, typer.Option(help="cases.csv, with a study.toml.")
    ] = None,
    seconds: Annotated[float, typer.Option(help="Of a reading.")] = 60.0,
    power: Annotated[
        Path | None,
        typer.Option(help="JSON of magic-analyze power for a study of this size."),
    ] = None,
) -> None:
    """Print readings and minutes of each reader, days, and the power of the design."""
    from reader_study.building.workload import workload

    print(workload(path, cases, seconds=seconds, power=power).to_text())


def preregister(
    path: Annotated[Path, typer.Argument(help="study.toml, or a built study.")],
    out: Annotated[
        Path, typer.Option(help="New file; a Word document is written beside it.")
    ] = Path("preregistration.md"),
    power: Annotated[
        Path | None,
        typer.Option(help="JSON of magic-analyze power, for the sample size."),
    ] = None,
) -> None:
    """Write the plan as registries ask for it, with what a person must add marked.

    The report names the same protocol hash. Power: magic-analyze power --json.
    """
    from reader_study.building import registering
    from reader_study.formats.sealed import PROTOCOL_HASH, REGISTERED

    found = registering.preregister(path, power=power)
    digest = found.write(out)
    print(
        f"{out} and {out.with_suffix('.docx')} written; {found.n_open} places are "
        f"marked '{registering.MARK}'\n"
        f"{PROTOCOL_HASH} {found.hashes[PROTOCOL_HASH]}\n"
        f"Text SHA-256 {digest}\n"
        f"Fill it in, register it, and put it beside responses.csv as {REGISTERED}: "
        "the report says whether it answers this text."
    )


def build(
    protocol: Annotated[Path, typer.Argument(help="study.toml")],
    cases: Annotated[
        Path,
        typer.Option(
            help="cases.csv: case, method and image; or case, severity, two montages."
        ),
    ],
    out: Annotated[Path, typer.Option(help="New folder of the study.")],
    key: Annotated[Path, typer.Option(help="New file of the key, elsewhere.")],
    two_keepers: Annotated[
        bool, typer.Option("--two-keepers", help="Two people open the key together.")
    ] = False,
    passphrase_file: options.PassphraseFile = None,
    jobs: Annotated[int, typer.Option(min=1, help="Pictures at a time.")] = 2,
) -> None:
    """Draw, encode, audit and seal a study; all of it or nothing."""
    from reader_study import api
    from reader_study.blinding_audit.findings import audit_text
    from reader_study.building import planning

    planning.prepare(protocol, cases)  # what is wrong is said before a person types
    passphrases = options.new_passphrases(passphrase_file, two_keepers=two_keepers)
    built = api.build(
        protocol, cases=cases, out=out, key=key, passphrase=passphrases, jobs=jobs
    )
    manifest = built.manifest
    opened = "its passphrase" if len(passphrases) == 1 else "both passphrases"
    print(audit_text(built.audit))
    if built.discarded:
        print(f"\nA first draw was thrown away and a second made. {built.discarded}")
    if built.without_truth:
        print(f"\n{built.without_truth}")
    print(
        f"\n{out}: {built.size}.\n"
        f"Commitment {manifest.commitment}\n"
        "Give it to someone outside the study, or to a registry: it proves at the "
        "end that the key was not changed.\n"
        f"{key}: opened by {opened}. Move it to where the study is not, "
        "and keep a copy: without it nobody can unblind."
    )


def audit(
    folder: options.Folder,
    key: Annotated[
        Path | None, typer.Option(help="Its key; else only equality is checked.")
    ] = None,
    responses: Annotated[
        Path | None,
        typer.Option(help="responses.csv: how readers did, beside the machine."),
    ] = None,
    passphrase_file: options.PassphraseFile = None,
) -> int:
    """Search for what tells the methods apart; status 1 if anything does."""
    from reader_study import api
    from reader_study.blinding_audit.findings import audit_text

    passphrases = options.passphrases_of(passphrase_file) if key else ()
    report = api.audit(folder, key=key, passphrase=passphrases, responses=responses)
    print(audit_text(report))
    return _LEAKS if report.leaks else 0
