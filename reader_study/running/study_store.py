"""The store that belongs to a study."""

from reader_study.build.study import Study
from reader_study.clock import Clock, SystemClock
from reader_study.errors import StudyError
from reader_study.formats.canonical import sha256_of
from reader_study.running.external_database import note_database, require_here
from reader_study.store.milestones import Kind, add_milestone, find_milestones
from reader_study.store.store import Store, open_store

PROGRAM = "program"
"""Who enters a study; its own name would be that of a method in every log."""


def open_study_store(
    study: Study, url: str | None = None, *, clock: Clock | None = None
) -> Store:
    """Open the store of a study; the first time, the study is entered in it.

    Args:
        study: The built study.
        url: Database; None for the one in the study's folder.
        clock: The server's clock.

    Raises:
        StudyError: If the database cannot be used, is that of another study, or none
            is given although the study's is elsewhere.
    """
    if not url:
        require_here(study.folder)
    store = open_store(url or study.database_url)
    wanted = _identity(study)
    with store.reading() as connection:
        milestones = find_milestones(connection)
    if not milestones:
        with store.writing(clock or SystemClock()) as t:
            milestones = find_milestones(t.connection)
            if not milestones:
                add_milestone(t, Kind.CREATED, PROGRAM, wanted)
                milestones = find_milestones(t.connection)
    if dict(milestones[0].details) != wanted:
        store.close()
        msg = (
            "The database must be of this study; its manifest was changed, or the "
            f"database is of study {milestones[0].details.get('study_id')}"
        )
        raise StudyError(msg)
    if url and url != study.database_url:
        note_database(study.folder, url)
    return store


def _identity(study: Study) -> dict[str, object]:
    manifest = study.manifest
    return {
        "study_id": manifest.study_id,
        "manifest_sha256": sha256_of(manifest.to_dict()),
        "protocol_sha256": manifest.protocol_sha256,
        "questionnaire_sha256": manifest.questionnaire_sha256,
        "commitment": manifest.commitment,
    }
