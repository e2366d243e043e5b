"""Checks without the key: what must be equal in all files, or be in none."""

import re
import struct
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from reader_study.blinding_audit.facts import FileFacts, PictureFacts
from reader_study.blinding_audit.findings import Check
from reader_study.build.png import CHUNKS

Pictures = Mapping[str, PictureFacts | str]

_Value = TypeVar("_Value", bound=Hashable)

_SHOWN = 3  # faults of a kind; more would tell nothing new
_NAME = re.compile(r"[0-9a-f]{32}\.png")
_CHUNKS = tuple(kind.decode() for kind in CHUNKS)


def file_checks(facts: Sequence[FileFacts], pictures: Pictures) -> tuple[Check, ...]:
    """Compare all files of a study.

    Args:
        facts: Of each file.
        pictures: Of each image data, by its SHA-256; a text if it has none.
    """
    return (
        _check("bytes", map(_altered, facts)),
        _alike("file length", facts, lambda f: f.length, lambda x: f"{x} bytes"),
        _check("chunks", map(_wrong_chunks, facts)),
        _alike("canvas", facts, lambda f: f.header[:8], _canvas),
        _check("encoder", _other_encoder(facts, pictures)),
        _alike("file times", facts, lambda f: f.modified_ns, _time),
        _alike("permissions", facts, lambda f: f.mode, lambda x: f"{x:o}"),
        _check("names", map(_wrong_name, facts)),
        _check("repeated bytes", _repeated(facts)),
    )


def _check(name: str, faults: Iterable[str]) -> Check:
    found = [fault for fault in faults if fault]
    more = [f"and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    return Check(name, (*found[:_SHOWN], *more))


def _alike(
    name: str,
    facts: Sequence[FileFacts],
    value: Callable[[FileFacts], _Value],
    written: Callable[[_Value], str],
) -> Check:
    """Name the files that differ from most."""
    usual = Counter(map(value, facts)).most_common(1)[0][0]
    return _check(
        name,
        (
            f"{f.name} has {written(value(f))}, most have {written(usual)}"
            for f in facts
            if value(f) != usual
        ),
    )


def _altered(facts: FileFacts) -> str:
    wanted = facts.presentation
    same = (facts.sha256, facts.length) == (wanted.sha256, wanted.length)
    return "" if same else f"{facts.name} is not the file the study was built with"


def _wrong_chunks(facts: FileFacts) -> str:
    if facts.chunks == _CHUNKS:
        return ""
    odd = [kind for kind in facts.chunks if kind not in _CHUNKS]
    what = f"a chunk {odd[0]}" if odd else " ".join(facts.chunks[:6])
    return f"{facts.name} must have the chunks {' '.join(_CHUNKS)}, got {what}"


def _other_encoder(facts: Sequence[FileFacts], pictures: Pictures) -> list[str]:
    unreadable = [
        f"{f.name} {picture}"
        for f in facts
        if f.chunks == _CHUNKS  # else that is what is said of it
        and isinstance(picture := pictures[f.data_sha256], str)
    ]
    others = [
        f"{f.name} was compressed by another encoder"
        for f in facts
        if isinstance(picture := pictures[f.data_sha256], PictureFacts)
        and not picture.same_encoder
    ]
    # Where all differ, the study was built with another version of zlib: all alike.
    return unreadable + (others if len(others) < len(facts) else [])


def _wrong_name(facts: FileFacts) -> str:
    if _NAME.fullmatch(facts.name):
        return ""
    return f"{facts.name} must be 32 hexadecimal digits and .png"


def _repeated(facts: Sequence[FileFacts]) -> list[str]:
    seen: dict[bytes, str] = {}
    found = []
    for f in facts:
        twin = seen.setdefault(f.padding, f.name)
        if twin != f.name:
            found.append(
                f"{f.name} has the padding of {twin}, so that their trials link"
            )
    return found


def _canvas(size: bytes) -> str:
    width, height = struct.unpack(">II", size)
    return f"{width} x {height} pixels"


def _time(nanoseconds: int) -> str:
    return datetime.fromtimestamp(nanoseconds // 10**9, UTC).isoformat()
