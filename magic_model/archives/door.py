"""The patients of an archive, whichever way they are kept; one is here at a time.

A folder is read where it lies. What a bucket or a server keeps is fetched patient by
patient into a temporary place that only this user can read, and taken away again.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from magic_model.data.dicom import archive as zip_archive
from magic_model.errors import DataError
from magic_model.output import own_temporary_folder

_FORMS = (".zip", ".nii", ".nii.gz")

Mark = list[list[str | int]]
"""What tells whether a patient's files have changed, without reading them."""


@dataclass(frozen=True)
class Entry:
    """A patient of an archive.

    Attributes:
        name: Study-local, by its place in the order of names in the archive.
        source_name: Name in the archive, which may be a hospital's.
        mark: Tells whether its files have changed.
        fetch: Brings its folder, ZIP archive or 4D NIfTI file here, and takes away what
            it brought.
        private: What no message may say beside `source_name`.
    """

    name: str
    source_name: str
    mark: Callable[[], Mark]
    fetch: Callable[[], AbstractContextManager[Path]]
    private: tuple[str, ...] = field(default=(), repr=False)

    @contextmanager
    def opened(self) -> Iterator[Path]:
        """Have the patient here for as long as it is worked on.

        Raises:
            DataError: If it cannot be had, or what is done with it fails; the message
                does not name it.
        """
        try:
            with self.fetch() as path:
                try:
                    yield path
                finally:
                    zip_archive.release(path)
        except DataError as error:
            raise DataError(self.without_source(str(error))) from error

    def without_source(self, text: str) -> str:
        """Take the name in the archive out of a text that stays with the maps."""
        for own in (*self.private, self.source_name):
            text = text.replace(own, self.name)
        return text


def is_address(text: str) -> bool:
    """Return whether an archive is kept elsewhere."""
    return text.startswith(("s3://", "http://", "https://"))


def resolved(address: str) -> str:
    """Return an archive's address as processes elsewhere understand it."""
    return address if is_address(address) else str(Path(address).resolve())


def find_entries(address: str) -> list[Entry]:
    """Find the patients of an archive.

    Their names may be a hospital's, so each gets a number in their order.

    Args:
        address: A folder, `s3://BUCKET/PREFIX`, or the http(s) address of a DICOMweb
            service, with search parameters of studies after a `?` if wanted.

    Raises:
        DataError: If it cannot be read, or holds no patient.
    """
    if address.startswith("s3://"):
        from magic_model.archives.s3 import find_in_bucket

        return find_in_bucket(address)
    if is_address(address):
        from magic_model.archives.dicomweb import find_studies

        return find_studies(address)
    return _find_in_folder(Path(address))


def holds_patient(name: str, *, is_folder: bool) -> bool:
    """Return whether something of this name in an archive is a patient."""
    return not name.startswith(".") and (is_folder or name.lower().endswith(_FORMS))


def beside(name: str) -> str:
    """Return the name of the JSON file that may state the times of a NIfTI file."""
    return re.sub(r"\.nii(\.gz)?$", "", name) + ".json"


def files_mark(files: Iterable[Path]) -> Mark:
    """Return the mark of files, leaving out what is none."""
    return [
        [file.name, file.stat().st_size, file.stat().st_mtime_ns]
        for file in files
        if file.is_file()
    ]


def numbered(names: Sequence[str], archive: str) -> dict[str, str]:
    """Return the study-local name of each name in an archive.

    Raises:
        DataError: If there is none.
    """
    if not names:
        msg = f"{archive}: an archive must hold folders, ZIP archives or NIfTI files"
        raise DataError(msg)
    width = max(4, len(str(len(names))))
    return {name: f"case-{n:0{width}d}" for n, name in enumerate(sorted(names), 1)}


def links(entries: Sequence[Entry]) -> Mapping[str, str]:
    """Return the name in the archive of each study-local one, to be kept apart."""
    return {entry.name: entry.source_name for entry in entries}


def _find_in_folder(folder: Path) -> list[Entry]:
    if not folder.is_dir():
        msg = f"{folder}: an archive must be a folder with a series of each patient"
        raise DataError(msg)
    found = {
        path.name: path
        for path in folder.iterdir()
        if holds_patient(path.name, is_folder=path.is_dir())
    }
    return [
        _of_path(name, found[own])
        for own, name in numbered([*found], str(folder)).items()
    ]


def _of_path(name: str, path: Path) -> Entry:
    times = path.with_name(beside(path.name))

    def mark() -> Mark:
        return files_mark(sorted(path.rglob("*")) if path.is_dir() else [path, times])

    private = str(path), path.name, str(times), times.name
    return Entry(name, path.name, mark, lambda: nullcontext(path), private)


@contextmanager
def temporary_place() -> Iterator[Path]:
    """Yield a folder that only this user can read, and remove it with all in it."""
    with own_temporary_folder() as place:
        yield Path(place)
