"""Names that must not stand in a study: of cases, source files and methods."""

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from reader_study.build import study
from reader_study.design.truth import Truth
from reader_study.formats.protocol import Protocol
from reader_study.running.external_database import NOTE

SHORTEST = 4
"""Shorter names are found by chance in any hash; they are not looked for."""

WRITTEN_BY_PEOPLE = (study.PROTOCOL, study.QUESTIONNAIRE)
"""They name the methods or not as the investigators like; readers may see both."""


def case_words(truth: Truth) -> set[str]:
    """Give the names of cases and of the files that their pictures came from."""
    sources = [PurePosixPath(s["path"]) for s in truth.details.get("sources", [])]
    names = [cell.case for cell in truth.cells.values()]
    names += truth.details.get("available", {})  # also those that were not drawn
    names += [part for path in sources for part in (str(path), path.name, path.stem)]
    return {name for name in names if len(name) >= SHORTEST}


def words_found(folder: Path, truth: Truth, protocol: Protocol) -> Iterator[str]:
    """Tell each file of a study whose name or content holds such a word.

    The word may stand plainly, in base64 or in hexadecimal. Pictures are looked at by
    name only: what is in them is checked chunk by chunk. The database is left out, for
    a reader may well write the name of a method into an explanation; so is the note of
    where it is.
    """
    cases = case_words(truth)
    in_theirs = _pattern(cases)
    in_others = _pattern(cases | {protocol.reference, protocol.test})
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        place = path.relative_to(folder)
        pattern = in_theirs if place.as_posix() in WRITTEN_BY_PEOPLE else in_others
        content = b"" if _not_searched(place) else path.read_bytes()
        if pattern and pattern.search(place.as_posix().encode() + b"\n" + content):
            yield f"{place.as_posix()} holds the name of a case, a source or a method"


def written_forms(word: str) -> set[bytes]:
    """Give the ways to write a word: plain, hexadecimal, and base64 at any offset."""
    plain = word.encode()
    forms = {plain, plain.hex().encode()}
    for offset in range(3):
        # The characters that share bits with the neighbours of the word are cut off.
        start, end = (8 * offset + 5) // 6, 8 * (offset + len(plain)) // 6
        forms.add(b64encode(b"\0" * offset + plain + b"\0\0")[start:end])
    return forms


def _not_searched(place: Path) -> bool:
    practised_on = place.parts[0] == study.TRAINING and place.suffix == ".png"
    picture = place.parts[0] == study.IMAGES or practised_on
    return picture or place.name == NOTE or place.name.startswith(study.DATABASE)


def _pattern(words: Iterable[str]) -> re.Pattern[bytes] | None:
    forms = sorted({re.escape(f) for word in words for f in written_forms(word)})
    if not forms:
        return None
    # A short name inside a longer word, or in a hash, is no name.
    whole = rb"(?<![0-9A-Za-z])(?:" + b"|".join(forms) + rb")(?![0-9A-Za-z])"
    return re.compile(whole, re.IGNORECASE)
