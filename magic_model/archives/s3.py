"""An archive in a bucket of S3, or of a server that speaks it.

Who asks is in the environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and
AWS_ENDPOINT_URL, or whatever else of AWS's tools is set up.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from magic_model.archives.door import (
    Entry,
    Mark,
    beside,
    holds_patient,
    numbered,
    temporary_place,
)
from magic_model.errors import DataError

if TYPE_CHECKING:
    from s3fs import S3FileSystem

_TRIES = 5


def find_in_bucket(address: str) -> list[Entry]:
    """Find the patients below a prefix: folders, ZIP archives and NIfTI files.

    All objects are listed once.

    Args:
        address: `s3://BUCKET/PREFIX`.

    Raises:
        DataError: If the bucket cannot be listed, or holds no patient there.
    """
    root = address.removeprefix("s3://").strip("/")
    if not root:
        msg = f"{address}: must name a bucket, as s3://BUCKET/PREFIX"
        raise DataError(msg)
    with _as_data_errors(f"{address}: cannot be listed"):
        found: dict[str, Any] = _open().find(root, detail=True)
    objects = {key.removeprefix(f"{root}/"): _version(i) for key, i in found.items()}
    patients = {
        name
        for name, *below in (key.split("/") for key in objects)
        if holds_patient(name, is_folder=bool(below))
    }
    by_patient = _group(objects, patients)
    return [
        Entry(
            name,
            own,
            partial(_mark, by_patient[own]),
            partial(_fetch, root, own, name, by_patient[own]),
            (f"{root}/{own}",),
        )
        for own, name in numbered([*patients], address).items()
    ]


def _open() -> "S3FileSystem":
    import s3fs

    # Not the instance that an earlier call left: it remembers its listings.
    return s3fs.S3FileSystem(
        skip_instance_cache=True,
        config_kwargs={"retries": {"max_attempts": _TRIES, "mode": "standard"}},
    )


def _version(about: Mapping[str, Any]) -> list[str | int]:
    return [int(about["size"]), str(about.get("ETag", ""))]


def _group(
    objects: Mapping[str, list[str | int]], patients: set[str]
) -> dict[str, dict[str, list[str | int]]]:
    """Return the objects of each patient, with those that state its times."""
    owners = {beside(own): own for own in patients} | {own: own for own in patients}
    groups: dict[str, dict[str, list[str | int]]] = {own: {} for own in patients}
    for key, version in objects.items():
        owner = owners.get(key.partition("/")[0])
        if owner is not None:
            groups[owner][key] = version
    return groups


def _mark(objects: Mapping[str, list[str | int]]) -> Mark:
    return [[key, *objects[key]] for key in sorted(objects)]


@contextmanager
def _fetch(
    root: str, own: str, name: str, objects: Mapping[str, list[str | int]]
) -> Iterator[Path]:
    """Download a patient under its study-local name.

    Raises:
        DataError: If an object cannot be had whole.
    """
    suffix = own[len(beside(own)) - len(".json") :] if own in objects else ""
    local = {own: f"{name}{suffix}", beside(own): beside(f"{name}{suffix}")}
    with temporary_place() as place:
        with _as_data_errors(f"{name}: cannot be fetched"):
            files = _open()
            for key, (size, _) in objects.items():
                first, *below = PurePosixPath(key).parts
                path = place.joinpath(local.get(first, name), *below)
                if ".." in path.parts:
                    msg = f"{name}: a key of an archive must not hold '..'"
                    raise DataError(msg)
                path.parent.mkdir(parents=True, exist_ok=True)
                files.get_file(f"{root}/{key}", str(path))
                if path.stat().st_size != size:
                    msg = f"{name}: an object changed while it was fetched"
                    raise DataError(msg)
        yield place / local[own]


@contextmanager
def _as_data_errors(what: str) -> Iterator[None]:
    """Say in one sentence why S3 failed; neither keys nor names of objects.

    Raises:
        DataError: If anything went wrong.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except FileNotFoundError as error:
        msg = f"{what}: there is no such bucket or object"
        raise DataError(msg) from error
    except PermissionError as error:
        msg = f"{what}: access denied; credentials come from the environment"
        raise DataError(msg) from error
    except (OSError, BotoCoreError, ClientError) as error:
        msg = f"{what} ({type(error).__name__}); it was tried {_TRIES} times"
        raise DataError(msg) from error
