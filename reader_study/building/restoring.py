"""Restore a study: the very bytes that were built, from its key and the montages.

The key holds a copy of the small files, and the seed of the padding in each picture's
file. Who restores holds the key and so knows what each picture is; it is done where
no reader and no coordinator is, and STUDY alone goes back.
"""

import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reader_study.building import study, training_set
from reader_study.building.pictures import encode_together, write_picture
from reader_study.building.volumes import read_volume
from reader_study.design.truth import Truth
from reader_study.errors import StudyError
from reader_study.formats import checking
from reader_study.formats.manifest import Manifest

PADDING = "padding"
"""Detail of the key: the seed of the padding."""

VOLUME_SOURCES = "volumes"
"""Detail of the key: the files that volumes came from."""

_TRAINING_LIST = f"{training_set.FOLDER}/{training_set.LIST}"
_COPIED = (study.PROTOCOL, study.QUESTIONNAIRE, study.MANIFEST, _TRAINING_LIST)
_VOLUME = ".bin"
_SOURCES = (".png", ".npz")
_UNFINISHED = ".restored.partial"
_EARLIER = (
    "The key must be of a study built since keys hold what restores it, got an earlier "
    "one. The padding of its pictures was not kept, so their bytes cannot be made "
    "again: put the file back from a backup of STUDY, or take the case out with "
    "magic-study case withdraw"
)


@dataclass(frozen=True)
class Restored:
    """What was put back.

    Attributes:
        files: Places in STUDY of what was written.
        left: What is damaged still, with the reason.
    """

    files: tuple[str, ...]
    left: tuple[str, ...]

    def to_text(self) -> str:
        """Return the same as a text to read."""
        lines = [*(f"{place} restored" for place in self.files), *self.left]
        return "\n".join(lines) or "Nothing is damaged."


@dataclass(frozen=True)
class _File:
    """A picture's file as it was built: where, of what length and hash, from what."""

    place: str
    token: str
    length: int
    sha256: str
    sources: tuple[str, ...]

    @property
    def is_volume(self) -> bool:
        return self.place.endswith(_VOLUME)

    def is_whole(self, folder: Path) -> bool:
        path = folder / self.place
        return path.is_file() and _sha256(path.read_bytes()) == self.sha256


def copies_of(folder: Path) -> dict[str, str]:
    """Return the text of a study's small files by their place, for its key."""
    paths = {place: folder / place for place in _COPIED}
    return {n: p.read_bytes().decode() for n, p in paths.items() if p.is_file()}


def restore_study(folder: Path, truth: Truth, montages: Path | None = None) -> Restored:
    """Put back each file of a study that is not as it was built.

    Args:
        folder: STUDY.
        truth: Content of its key.
        montages: Folder, of any depth, with the montages that the study was built
            from; they are known by their content. None to leave pictures alone.

    Raises:
        StudyError: If the key is of an earlier version, or of another study, or a file
            cannot be written.
    """
    if not truth.copies or PADDING not in truth.details:
        raise StudyError(_EARLIER)
    wanted = tuple(_files(truth))
    if not any((folder / file.place).is_file() for file in wanted):
        msg = f"{folder} must be the study of this key, got none of its pictures"
        raise StudyError(msg)
    try:
        for file in wanted:
            (folder / file.place).parent.mkdir(exist_ok=True)
        small = tuple(_restore_copies(folder, truth))
        damaged = [file for file in wanted if not file.is_whole(folder)]
        needed = {sha256 for file in damaged for sha256 in file.sources}
        sources = _sources(montages, needed)
        seed = str(truth.details[PADDING])
        why = {f.place: _restore_picture(folder, f, sources, seed) for f in damaged}
    except OSError as error:
        msg = f"{error.filename or folder}: cannot be restored ({error.strerror})"
        raise StudyError(msg) from error
    if montages is None:
        hint = "is damaged; --from MONTAGES restores it"
        why = {place: f"{place} {hint}" for place in why}
    done = tuple(place for place, left in why.items() if not left)
    return Restored((*small, *done), tuple(left for left in why.values() if left))


def _files(truth: Truth) -> Iterator[_File]:
    source = checking.parse_json(truth.copies[study.MANIFEST], study.MANIFEST)
    manifest = checking.check(Manifest, source.content, source)
    origin = {(s["case"], s["method"]): s["sha256"] for s in truth.details["sources"]}
    for p in manifest.presentations:
        cell, place = truth.cells[p.token], f"{study.IMAGES}/{p.image}"
        found = tuple(origin[cell.case, method] for method in cell.methods)
        yield _File(place, p.token, p.length, p.sha256, found)
    if manifest.volumes is not None:
        scans = {
            (s["case"], s["method"]): s["sha256"] for s in truth.details[VOLUME_SOURCES]
        }
        for p in manifest.presentations:
            cell, file = truth.cells[p.token], manifest.volumes.files[p.pseudo_id]
            place, sha256 = (
                f"{study.VOLUMES}/{file.volume}",
                scans[cell.case, cell.method],
            )
            yield _File(place, p.token, file.length, file.sha256, (sha256,))
    if _TRAINING_LIST in truth.copies:
        source = checking.parse_json(truth.copies[_TRAINING_LIST], _TRAINING_LIST)
        origins = {c["token"]: c["sha256"] for c in truth.details["training"]}
        scans_of = {c["token"]: c.get("volume", "") for c in truth.details["training"]}
        listed = checking.check(training_set.TrainingSet, source.content, source)
        for case in listed.cases:
            place, origin_of = (
                f"{training_set.FOLDER}/{case.image}",
                origins[case.token],
            )
            yield _File(place, case.token, case.length, case.sha256, (origin_of,))
            if case.volume_sha256:
                volume, length = (
                    f"{training_set.FOLDER}/{case.volume}",
                    case.volume_length,
                )
                scan = scans_of[case.token]
                yield _File(volume, case.token, length, case.volume_sha256, (scan,))


def _restore_copies(folder: Path, truth: Truth) -> Iterator[str]:
    for place, text in truth.copies.items():
        path, content = folder / place, text.encode()
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(exist_ok=True)
            unfinished = folder / _UNFINISHED
            unfinished.write_bytes(content)
            unfinished.replace(path)
            yield place


def _sources(montages: Path | None, wanted: set[str]) -> dict[str, Path]:
    """Return the montages that are wanted, by the hash of their files."""
    if montages is None or not wanted:
        return {}
    if not montages.is_dir():
        msg = f"--from must be the folder of the montages, got {montages}"
        raise StudyError(msg)
    paths = (p for p in sorted(montages.rglob("*")) if p.suffix.lower() in _SOURCES)
    by_hash = {_sha256(path.read_bytes()): path for path in paths if path.is_file()}
    return {sha256: path for sha256, path in by_hash.items() if sha256 in wanted}


def _restore_picture(
    folder: Path, file: _File, sources: dict[str, Path], seed: str
) -> str:
    """Write a picture; give the reason if it cannot be had, or nothing."""
    missing = [sha256 for sha256 in file.sources if sha256 not in sources]
    if missing:
        kind = "volume" if file.is_volume else "montage"
        what = f"a {kind} with SHA-256 {missing[0]}"
        return f"{file.place} needs {what}, which is not under --from"
    paths = [sources[sha256] for sha256 in file.sources]
    if file.is_volume:
        content = read_volume(paths[0]).container(file.token, seed)
    else:
        content = encode_together(paths).file(file.token, file.length, seed)
    if _sha256(content) != file.sha256:
        return (
            f"{file.place} cannot be made with zlib {zlib.ZLIB_RUNTIME_VERSION}, which "
            "compresses otherwise than that of the computer which built the study"
        )
    write_picture(folder / _UNFINISHED, content)
    (folder / _UNFINISHED).replace(folder / file.place)
    return ""


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
