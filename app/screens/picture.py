"""The case at hand as the protocol shows it: a montage, or a stack of slices."""

from app.components import show_picture, show_stack, slices_seen
from app.fetched import outwards
from reader_study.building.study import Study
from reader_study.reading.reading_session import ReadingSession


def is_stack(study: Study) -> bool:
    """Whether readers scroll through slices."""
    return study.manifest.volumes is not None


def case_bytes(session: ReadingSession, token: str) -> bytes:
    """Return the montage or the volume of a reading.

    Raises:
        DamagedPictureError: If it cannot be shown.
        StudyError: If the reader has not opened it.
    """
    return session.volume(token) if is_stack(session.study) else session.image(token)


def show_case(
    study: Study, content: bytes, key: str, token: str, *, ahead: str = ""
) -> None:
    """Show a case.

    Args:
        study: That it belongs to.
        content: Its montage or its volume.
        key: Of this case only, so that none is shown beside questions on another.
        token: Of the reading, or of the training case.
        ahead: Token of the reading if the page has said that it holds the content.
    """
    volumes, protocol = study.manifest.volumes, study.protocol
    if volumes is None:
        show_picture(
            content,
            key,
            ahead=ahead,
            all_rows=protocol.require_all_slices,
            pictures=protocol.design.at_once,
        )
        return
    layout = volumes.layout() | {
        "reading": token,
        "lock_window": protocol.lock_window,
        "measures": protocol.measures,
        "require_all_slices": protocol.require_all_slices,
    }
    show_stack(outwards(content, volumes, 1), layout, key, ahead=ahead)


def what_was_seen(study: Study, desk: str, token: str) -> dict[str, object] | None:
    """Return what the page says was on screen; None where nobody counts it.

    Args:
        study: That it belongs to.
        desk: Key of the desk beside it.
        token: Of the reading.
    """
    return slices_seen(desk, study.n_slices(token)) if study.counts_slices else None
