"""The commands `magic-study reader ...`."""

from pathlib import Path

from reader_study.clock import SystemClock
from reader_study.commands.store_of import running
from reader_study.running import access_codes, registry
from reader_study.running.registry import Profile
from reader_study.running.status import read_status


def add(folder: Path, database: str | None, profile: Profile, *, by: str) -> str:
    """Add a reader and give a code to hand over."""
    clock = SystemClock()
    with running(folder, database) as (study, store):
        reader = registry.add_reader(study, store, profile, by=by, clock=clock)
        code = access_codes.issue_code(store, reader.name, by=by, clock=clock)
    return f"{reader.name} has {reader.slot}\n{_handing_over(reader.name, code)}"


def show(folder: Path, database: str | None) -> str:
    """List the readers."""
    with running(folder, database) as (study, store), store.reading() as connection:
        readers = read_status(study, connection).readers
    lines = [
        f"{r.name:<16}{r.slot:<12}{r.status:<10}{r.specialty}, {r.years:g} years"
        + (f" (in place of {r.replaces})" if r.replaces else "")
        + (f": {r.reason}" if r.reason else "")
        for r in readers
    ]
    return "\n".join(lines) or "No readers yet"


def code(folder: Path, database: str | None, name: str, *, by: str, days: float) -> str:
    """Give a reader a further code."""
    with running(folder, database) as (_, store):
        made = access_codes.issue_code(
            store, name, by=by, clock=SystemClock(), days=days
        )
    return _handing_over(name, made)


def revoke(folder: Path, database: str | None, name: str, *, by: str) -> str:
    """Make a reader's codes worthless and end the sessions."""
    with running(folder, database) as (_, store):
        number = access_codes.revoke(store, name, by=by, clock=SystemClock())
    return f"{number} codes of {name} are worthless now, and all sessions have ended"


def exclude(
    folder: Path, database: str | None, name: str, *, reason: str, by: str
) -> str:
    """Exclude a reader."""
    with running(folder, database) as (_, store):
        registry.exclude_reader(store, name, reason=reason, by=by, clock=SystemClock())
    return f"{name} is excluded; answers are kept and will not be analysed"


def replace(
    place: tuple[Path, str | None], name: str, profile: Profile, *, reason: str, by: str
) -> str:
    """Give a reader's place to another and a code to hand over."""
    clock = SystemClock()
    with running(*place) as (study, store):
        del study
        reader = registry.replace_reader(
            store, name, profile, reason=reason, by=by, clock=clock
        )
        made = access_codes.issue_code(store, reader.name, by=by, clock=clock)
    return f"{reader.name} has {reader.slot}\n{_handing_over(reader.name, made)}"


def _handing_over(name: str, made: str) -> str:
    return f"Code for {name}: {made}\nIt lets in once and is shown only here."
