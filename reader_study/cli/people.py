"""Commands `magic-study reader` and `coordinator`: people, and their codes."""

from pathlib import Path
from typing import Annotated

import typer

from reader_study.cli import options
from reader_study.cli.options import By, Database, Folder, show_help
from reader_study.errors import counted

_Name = Annotated[str, typer.Argument(help="Name of the coordinator.")]

coordinator = typer.Typer(help="Coordinators, who watch a study: add, list, revoke.")
coordinator.callback(invoke_without_command=True)(show_help)


@coordinator.command("add")
def _add(folder: Folder, name: _Name, by: By, database: Database = None) -> None:
    """Add a coordinator and print the passphrase for the monitor."""
    from reader_study.running.access import add_coordinator

    with options.opened(folder, database) as s:
        passphrase = add_coordinator(s.store, name, by=by, clock=s.clock)
    print(
        f"Passphrase for {name}: {passphrase}\n"
        "It opens the monitor until it is revoked, and is shown only here."
    )


@coordinator.command("list")
def _show(folder: Folder, database: Database = None) -> None:
    """List the coordinators."""
    from reader_study.store.access import all_coordinators

    with (
        options.opened(folder, database) as s,
        s.store.reading() as connection,
    ):
        found = all_coordinators(connection)
    lines = [
        f"{c.name:<16}{'active' if c.active else 'revoked':<10}since "
        f"{(c.added_at if c.active else c.revoked_at)[:10]}"
        for c in found
    ]
    print("\n".join(lines) or "No coordinators yet")


@coordinator.command("revoke")
def _revoke(folder: Folder, name: _Name, by: By, database: Database = None) -> None:
    """Make a coordinator's passphrase worthless and end the sessions."""
    from reader_study.running.access import revoke_coordinator

    with options.opened(folder, database) as s:
        number = revoke_coordinator(s.store, name, by=by, clock=s.clock)
    print(f"The passphrase of {name} is worthless now; {number} sessions have ended")


Specialty = Annotated[str, typer.Option(help="Such as neuroradiology.")]
Years = Annotated[float, typer.Option(help="Years of experience.")]

Site = Annotated[str, typer.Option(help="Hospital, where there are several.")]

reader = typer.Typer(help="Readers: add, list, codes, exclude, replace.")
reader.callback(invoke_without_command=True)(options.show_help)


@reader.command("add")
def add(
    folder: options.Folder,
    name: options.ReaderName,
    specialty: Specialty,
    years: Years,
    by: options.By,
    slot: Annotated[str, typer.Option(help="Place in the design.")] = "",
    site: Site = "",
    database: options.Database = None,
) -> None:
    """Add a reader and print a code that lets in once."""
    from reader_study.running.access import issue_code

    with options.opened(folder, database) as s:
        added = s.add_reader(
            name, specialty=specialty, years=years, by=by, slot=slot, site=site
        )
        code = issue_code(s.store, added.name, by=by, clock=s.clock)
    print(f"{added.name} has {added.slot}")
    _hand_over(added.name, code)


@reader.command("list")
def show(folder: options.Folder, database: options.Database = None) -> None:
    """List the readers."""
    with options.opened(folder, database) as s:
        readers = s.status().readers
    lines = [
        f"{r.name:<16}{r.slot:<12}{r.status:<10}{r.specialty}, {r.years:g} years"
        + (f", {r.site}" if r.site else "")
        + (f" (in place of {r.replaces})" if r.replaces else "")
        + (f": {r.reason}" if r.reason else "")
        for r in readers
    ]
    print("\n".join(lines) or "No readers yet")


@reader.command("site")
def site(
    folder: options.Folder,
    name: options.ReaderName,
    site: Annotated[str, typer.Argument(help="Hospital of the reader.")],
    by: options.By,
    database: options.Database = None,
) -> None:
    """Say where a reader reads who was added without a site."""
    from reader_study.running.registry import set_site

    with options.opened(folder, database) as s:
        set_site(s.store, name, site, by=by, clock=s.clock)
    print(f"{name} reads at {site.strip()}")


@reader.command("code")
def code(
    folder: options.Folder,
    name: options.ReaderName,
    by: options.By,
    days: Annotated[float, typer.Option(help="How long it may be used.")] = 14,
    database: options.Database = None,
) -> None:
    """Print a further code for a reader."""
    from reader_study.running.access import issue_code

    with options.opened(folder, database) as s:
        issued = issue_code(s.store, name, by=by, clock=s.clock, days=days)
    _hand_over(name, issued)


@reader.command("slips")
def slips(
    folder: options.Folder,
    by: options.By,
    out: Annotated[Path, typer.Option(help="HTML file to print; must not exist.")],
    names: Annotated[
        list[str] | None, typer.Argument(help="Readers; all without a code if none.")
    ] = None,
    address: Annotated[str, typer.Option(help="Of the reading room.")] = "",
    days: Annotated[float, typer.Option(help="How long codes may be used.")] = 14,
    database: options.Database = None,
) -> None:
    """Make codes and write them as a page of slips to print, one per reader."""
    from reader_study.running import slips as paper

    # The file comes first: a code that cannot be written would be lost.
    with options.opened(folder, database) as s, options.new_private_file(out) as file:
        made = paper.issue_slips(s.store, names or (), by=by, clock=s.clock, days=days)
        title = s.study.protocol.title
        file.write(paper.slips_document(title, made, address=address))
    print(
        f"{out} has {counted(len(made), 'slip')}: {', '.join(m.reader for m in made)}\n"
        "Print it, then delete it; no code is shown again."
    )


@reader.command("revoke")
def revoke(
    folder: options.Folder,
    name: options.ReaderName,
    by: options.By,
    database: options.Database = None,
) -> None:
    """Make a reader's codes worthless and end the sessions."""
    from reader_study.running.access import revoke_reader_codes

    with options.opened(folder, database) as s:
        number = revoke_reader_codes(s.store, name, by=by, clock=s.clock)
    print(f"{number} codes of {name} are worthless now, and all sessions have ended")


@reader.command("exclude")
def exclude(
    folder: options.Folder,
    name: options.ReaderName,
    reason: options.Reason,
    by: options.By,
    database: options.Database = None,
) -> None:
    """Exclude a reader; the answers are kept."""
    from reader_study.running.registry import exclude_reader

    with options.opened(folder, database) as s:
        exclude_reader(s.store, name, reason=reason, by=by, clock=s.clock)
    print(f"{name} is excluded; answers are kept and will not be analysed")


@reader.command("replace")
def replace(
    folder: options.Folder,
    name: options.ReaderName,
    new: Annotated[str, typer.Option(help="Name of the new reader.")],
    specialty: Specialty,
    years: Years,
    reason: options.Reason,
    by: options.By,
    site: Site = "",
    database: options.Database = None,
) -> None:
    """Give a reader's place to another; the answers are kept."""
    from reader_study.running.access import issue_code
    from reader_study.running.registry import Profile, replace_reader

    profile = Profile(new, specialty, years, site=site)
    with options.opened(folder, database) as s:
        added = replace_reader(
            s.store, name, profile, reason=reason, by=by, clock=s.clock
        )
        issued = issue_code(s.store, added.name, by=by, clock=s.clock)
    print(f"{added.name} has {added.slot}")
    _hand_over(added.name, issued)


def _hand_over(name: str, code: str) -> None:
    print(f"Code for {name}: {code}\nIt lets in once and is shown only here.")
