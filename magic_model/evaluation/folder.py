"""An output folder that is complete or untouched."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from magic_model.errors import DataError


@contextmanager
def complete_or_untouched(folder: Path) -> Iterator[Path]:
    """Give a folder to write into; its files move to `folder` when all are there.

    If anything fails before, nothing of it is left behind. Files of the same name are
    replaced, others stay.

    Raises:
        DataError: If `folder` is a file, or cannot be made or written.
    """
    if folder.exists() and not folder.is_dir():
        msg = f"{folder} is a file; the output needs a folder"
        raise DataError(msg)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        msg = f"{folder} cannot be made ({error.strerror})"
        raise DataError(msg) from error
    try:
        yield staging
        folder.mkdir(exist_ok=True)
        for path in sorted(staging.iterdir()):
            path.replace(folder / path.name)
    except OSError as error:
        msg = f"{folder} cannot be written ({error.strerror})"
        raise DataError(msg) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
