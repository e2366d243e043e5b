"""Store of a study: opened, entered once, and noted where it is elsewhere.

A database of PostgreSQL holds any number of studies. The first has the tables of the
schema that is the user's own, as ever; each further one has a schema of its own, with
all tables, triggers and the log's chain. So nothing that is asked of one study can find
a row of another. A file of SQLite holds one study.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.engine import make_url

from reader_study.building.study import MANIFEST, Study, remedy
from reader_study.clock import Clock, SystemClock
from reader_study.errors import StudyError
from reader_study.formats.canonical import sha256_of
from reader_study.formats.checking import Text, check, json_text, read_json, record
from reader_study.formats.manifest import program_version
from reader_study.store.milestones import (
    Milestone,
    MilestoneKind,
    Phase,
    add_milestone,
    find_milestones,
    phase_of,
)
from reader_study.store.store import (
    Store,
    add_schema,
    has_schema,
    make_engine,
    open_store,
)
from reader_study.store.stored import BACKUP
from reader_study.store.verifying import verify

NOTE = "database.json"

PROGRAM = "program"
"""Actor who enters a study; the program's own name would be that of a method."""


@record
class _Noted:
    """Where a database is, without its password."""

    kind: Text
    host: Text
    name: Text
    user: Text


def note_database(folder: Path, url: str) -> None:
    """Note a database that lies elsewhere, without its password, unless one is noted.

    Without the note a later command could enter the study in a second store.

    Raises:
        StudyError: If none is noted and the folder cannot be written.
    """
    given = make_url(url)
    host = given.host or given.query.get("host", "")
    content = {
        "kind": given.get_backend_name(),
        "host": host if isinstance(host, str) else ", ".join(host),
        "name": given.database or "",
        "user": given.username or "",
    }
    path = folder / NOTE
    if path.exists():  # as on a reading server, which cannot write there
        return
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(json_text(content, indent=1))
    except FileExistsError:
        return
    except OSError as error:
        msg = (
            f"{path} must note where the database is, got {error.strerror}; run "
            "magic-study status with --database once as a user who can write there"
        )
        raise StudyError(msg) from error


def open_study_store(
    study: Study, url: str | None = None, *, clock: Clock | None = None
) -> Store:
    """Open the store of a study; the first time, the study is entered in it.

    Args:
        study: The built study.
        url: Database; None for the one in the study's folder.
        clock: The server's clock.

    Raises:
        StudyError: If the database cannot be used, is the file of another study, or
            none is given although the study's is elsewhere.
    """
    if not url:
        _require_here(study.folder)
    store = _open(study, url or study.database_url)
    try:
        _enter(study, store, url, clock or SystemClock())
    except BaseException:
        store.close()
        raise
    return store


def note_program(store: Store, *, clock: Clock | None = None) -> None:
    """Record that an open study is served by another version than had it before.

    Args:
        store: Store of the study.
        clock: The server's clock.

    Raises:
        StudyError: If the database cannot be used.
    """
    with store.reading() as connection:
        is_other = _is_other_program(find_milestones(connection))
    if is_other:
        with store.writing(clock or SystemClock()) as t:  # one process of several
            if _is_other_program(find_milestones(t.connection)):
                add_milestone(t, MilestoneKind.SERVED, PROGRAM, {})


def _is_other_program(milestones: Sequence[Milestone]) -> bool:
    is_open = phase_of(milestones) is Phase.OPEN
    return is_open and milestones[-1].program != program_version()


def schema_of(study_id: str) -> str:
    """Return the schema of a study that is not the first of its database.

    Examples:
        >>> schema_of("0f3c-B")
        'study_0f3c_b'
    """
    return f"study_{re.sub('[^a-z0-9]', '_', study_id.lower())}"[:63]


def schema_in(study: Study, url: str) -> str:
    """Return the schema in which a database of PostgreSQL has a study; write nothing.

    Raises:
        StudyError: If the study has not begun there, or the database cannot be used.
    """
    store = Store(make_engine(url))
    own = schema_of(study.manifest.study_id)
    try:
        with store.reading() as connection:
            if has_schema(connection, own):
                return own
            first = connection.scalar(text("SELECT current_schema()"))
            if inspect(connection).has_table("milestones"):
                milestones = find_milestones(connection)
                named = [found.details.get("study_id") for found in milestones[:1]]
                if first and study.manifest.study_id in named:
                    return str(first)
    finally:
        store.close()
    msg = (
        f"The database must have the study {study.manifest.study_id} of "
        f"{study.folder}, got none of its tables"
    )
    raise StudyError(msg)


def _open(study: Study, url: str) -> Store:
    """Open the database, or the part of it that is this study's."""
    store = open_store(url)
    schema = schema_of(study.manifest.study_id)
    try:
        with store.reading() as connection:
            there = has_schema(connection, schema)
            if not there and not _is_of_another(study, connection):
                return store
        if not there:
            _require_beginning(study)
            add_schema(store, schema)
    except BaseException:
        store.close()
        raise
    store.close()
    return open_store(url, schema)


def _is_of_another(study: Study, connection: Connection) -> bool:
    """Whether the tables are, undamaged, another study's that leaves room for more."""
    if connection.dialect.name != "postgresql":
        return False
    milestones = find_milestones(connection)
    if not milestones:
        return False
    named = milestones[0].details.get("study_id")
    return named != study.manifest.study_id and not verify(connection).faults


def _require_beginning(study: Study) -> None:
    """Require that a study is as it was built, and has not begun elsewhere."""
    _require_whole(study)
    _refuse_second(study.folder)


def _require_whole(study: Study) -> None:
    if not study.manifest.is_whole:
        path = study.folder / MANIFEST
        msg = f"{path} was changed after the study was built; {remedy(study.folder)}"
        raise StudyError(msg)


def _enter(study: Study, store: Store, url: str | None, clock: Clock) -> None:
    """Enter the study in an empty database; check that any other is this study's."""
    elsewhere = bool(url) and url != study.database_url
    wanted = _identity(study)
    with store.reading() as connection:
        milestones = find_milestones(connection)
    if not milestones:
        _require_whole(study)
    if elsewhere and not milestones:
        _refuse_second(study.folder)
        note_database(study.folder, url or "")
    if not milestones:
        with store.writing(clock) as t:
            milestones = find_milestones(t.connection)
            if not milestones:
                add_milestone(t, MilestoneKind.CREATED, PROGRAM, wanted)
                milestones = find_milestones(t.connection)
    if dict(milestones[0].details) != wanted:
        with store.reading() as connection:
            faults = verify(connection).faults
        if faults:
            msg = f"The database is damaged: {'; '.join(faults)}; {BACKUP}"
            raise StudyError(msg)
        msg = (
            "The database must be of this study; its manifest was changed, or the "
            f"database is of study {milestones[0].details.get('study_id')}; "
            f"{remedy(study.folder)}"
        )
        raise StudyError(msg)
    if elsewhere:
        note_database(study.folder, url or "")


def _refuse_second(folder: Path) -> None:
    """Refuse an empty database if the study has begun in another.

    Raises:
        StudyError: If another is noted; it is named.
    """
    if (folder / NOTE).exists():
        msg = (
            "The database must be the one in which the study was begun, "
            f"{_noted_place(folder / NOTE)} ({folder / NOTE}); the one given is empty"
        )
        raise StudyError(msg)


def _require_here(folder: Path) -> None:
    """Refuse to use the database in the folder if the study's is elsewhere.

    Raises:
        StudyError: If one was noted; it is named.
    """
    path = folder / NOTE
    if not path.exists():
        return
    where = _noted_place(path)
    msg = f"The study's database must be named by --database; it is {where} ({path})"
    raise StudyError(msg)


def _noted_place(path: Path) -> str:
    source = read_json(path)
    noted = check(_Noted, source.content, source)
    who = f"{noted.user}@" if noted.user else ""
    return f"{noted.kind} {who}{noted.host}/{noted.name}"


def _identity(study: Study) -> dict[str, object]:
    manifest = study.manifest
    return {
        "study_id": manifest.study_id,
        "manifest_sha256": sha256_of(manifest.to_dict()),
        "protocol_sha256": manifest.protocol_sha256,
        "questionnaire_sha256": manifest.questionnaire_sha256,
        "commitment": manifest.commitment,
    }
