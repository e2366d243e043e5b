"""`ReadingSession`, importable from where it always was."""

from reader_study.reading.reading_session import ReadingSession

__all__ = ["ReadingSession"]
