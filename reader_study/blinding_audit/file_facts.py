"""What a file is apart from its picture."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reader_study.build.png import PADDING, read_chunks
from reader_study.errors import StudyError
from reader_study.formats.manifest import Presentation


@dataclass(frozen=True)
class FileFacts:
    """Facts of one served file.

    Attributes:
        presentation: What the manifest says of it.
        path: Where it lies.
        sha256: Of its bytes.
        length: In bytes.
        chunks: Kinds of its chunks in their order.
        header: Content of its header chunk.
        data_sha256: Of its compressed pixels.
        data_length: Of its compressed pixels, in bytes.
        padding: Its random padding.
        modified_ns: Modification time in ns.
        mode: Permissions.
        inode: Number in the file system, which rises with creation.
    """

    presentation: Presentation
    path: Path
    sha256: str
    length: int
    chunks: tuple[str, ...]
    header: bytes
    data_sha256: str
    data_length: int
    padding: bytes
    modified_ns: int
    mode: int
    inode: int

    @property
    def name(self) -> str:
        """Name of the file."""
        return self.presentation.image

    @property
    def padding_mean(self) -> float:
        """Mean of the padding's bytes; 127.5 is expected."""
        values = np.frombuffer(self.padding, dtype=np.uint8)
        return float(values.mean()) if len(values) else 0.0


def read_file_facts(path: Path, presentation: Presentation) -> FileFacts:
    """Read a file and take it apart.

    Raises:
        StudyError: If it cannot be read or is no PNG; the file is named.
    """
    try:
        content, status = path.read_bytes(), path.stat()
        chunks = read_chunks(content)
    except OSError as error:
        msg = f"{path.name}: {error.strerror}"
        raise StudyError(msg) from error
    except StudyError as error:
        msg = f"{path.name} {error}"
        raise StudyError(msg) from error
    data = [chunk.content for chunk in chunks if chunk.kind == b"IDAT"]
    return FileFacts(
        presentation=presentation,
        path=path,
        sha256=hashlib.sha256(content).hexdigest(),
        length=len(content),
        chunks=tuple(chunk.kind.decode("latin-1") for chunk in chunks),
        header=b"".join(chunk.content for chunk in chunks if chunk.kind == b"IHDR"),
        data_sha256=hashlib.sha256(b"".join(data)).hexdigest(),
        data_length=sum(map(len, data)),
        padding=b"".join(chunk.content for chunk in chunks if chunk.kind == PADDING),
        modified_ns=status.st_mtime_ns,
        mode=status.st_mode,
        inode=status.st_ino,
    )
