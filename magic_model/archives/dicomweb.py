"""An archive that a DICOMweb server keeps: each study is a patient's.

What is sent are searches and the UIDs that the server itself gave. Who asks is in the
environment: DICOMWEB_USER and DICOMWEB_PASSWORD, or DICOMWEB_TOKEN.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, parse_qsl, urlsplit

from magic_model.archives.door import Entry, Mark, numbered, temporary_place
from magic_model.errors import DataError

if TYPE_CHECKING:
    from dicomweb_client.api import DICOMwebClient

_TRIES = 5
_FIRST_WAIT_MS = 250  # doubled each time
_TIMEOUT_S = 60
_AGAIN = (
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
)
_STUDY, _SERIES, _INSTANCE = "0020000D", "0020000E", "00080018"
_COUNTS = ("NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances")
_COUNT_TAGS = ("00201206", "00201208")


def find_studies(address: str) -> list[Entry]:
    """Find the studies that a DICOMweb service has.

    Args:
        address: Of the service, such as `https://pacs/dicom-web`; what follows a `?`
            are search parameters, such as `ModalitiesInStudy=CT`.

    Raises:
        DataError: If the address is none, the server does not answer, or has no study.
    """
    parts = _require_safe(address)
    server = parts._replace(query="", fragment="").geturl().rstrip("/")
    wanted = dict(parse_qsl(parts.query))
    with _as_data_errors(f"{server}: cannot be searched"):
        search = partial(
            _connect(server).search_for_studies, search_filters=wanted, fields=_COUNTS
        )
        studies = _every(search, _STUDY)
    if not studies:
        msg = f"{server}: must have studies that were asked for, got none"
        raise DataError(msg)
    return [
        Entry(
            name,
            uid,
            partial(_mark, uid, [_first(studies[uid], tag) for tag in _COUNT_TAGS]),
            partial(_fetch, server, uid, name),
        )
        for uid, name in numbered([*studies], server).items()
    ]


def _require_safe(address: str) -> SplitResult:
    """Refuse an address that would show a password or images to others.

    Raises:
        DataError: If it holds credentials, or is not encrypted to another machine.
    """
    parts = urlsplit(address)
    host = parts.hostname or ""
    if not host or parts.username or parts.password:
        msg = (
            "A DICOMweb address must be https://HOST/PATH without user and password, "
            "which are taken from DICOMWEB_USER and DICOMWEB_PASSWORD"
        )
        raise DataError(msg)
    if parts.scheme != "https" and not _is_here(host):
        msg = (
            f"http://{host}: must be https, since patients' images and credentials "
            "would be read on the way"
        )
        raise DataError(msg)
    return parts


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _connect(server: str) -> "DICOMwebClient":
    import requests
    from dicomweb_client.api import DICOMwebClient

    session = requests.Session()
    session.trust_env = False  # neither .netrc nor a proxy is to see patients' images
    session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
    user, token = os.environ.get("DICOMWEB_USER"), os.environ.get("DICOMWEB_TOKEN")
    if token:
        session.headers["Authorization"] = f"Bearer {token}"
    elif user:
        session.auth = user, os.environ.get("DICOMWEB_PASSWORD", "")
    client = DICOMwebClient(server, session=session, timeout=_TIMEOUT_S)
    client.set_http_retry_params(
        max_attempts=_TRIES,
        wait_exponential_multiplier=_FIRST_WAIT_MS,
        retriable_error_codes=_AGAIN,
    )
    return client


def _every(
    search: Callable[..., list[dict[str, Any]]], tag: str
) -> dict[str, dict[str, Any]]:
    """Return all that a search finds, by the UID of a tag.

    A server may answer in pages, and some give the same page for ever.
    """
    found: dict[str, dict[str, Any]] = {}
    while True:
        page = {str(_first(each, tag)): each for each in search(offset=len(found))}
        if page.keys() <= found.keys():
            return found
        found |= page


def _first(element: dict[str, Any], tag: str) -> str | int:
    """Return the first value of an attribute in DICOM's JSON; empty if it has none."""
    values: list[str | int] = element.get(tag, {}).get("Value") or [""]
    return values[0]


def _mark(uid: str, counts: list[str | int]) -> Mark:
    return [[uid, *counts]]  # objects of a UID never change; a study may get more


@contextmanager
def _fetch(server: str, uid: str, name: str) -> Iterator[Path]:
    """Download the objects of a study, numbered.

    Each is a request of its own, so that a connection that breaks costs one of them.

    Raises:
        DataError: If one cannot be had.
    """
    with temporary_place() as place:
        folder = place / name
        folder.mkdir()
        with _as_data_errors(f"{name}: cannot be fetched"):
            client = _connect(server)
            listed = _every(partial(client.search_for_instances, uid), _INSTANCE)
            for number, (instance, about) in enumerate(listed.items()):
                dataset = client.retrieve_instance(
                    uid,
                    str(_first(about, _SERIES)),
                    instance,
                    media_types=(("application/dicom", "*"),),
                )
                dataset.save_as(folder / f"{number:06d}.dcm")
        yield folder


@contextmanager
def _as_data_errors(what: str) -> Iterator[None]:
    """Say in one sentence why a server failed; no UID, address or credential.

    Raises:
        DataError: If anything went wrong.
    """
    import requests
    from retrying import RetryError

    try:
        yield
    except requests.HTTPError as error:
        status = error.response.status_code if error.response is not None else "nothing"
        msg = f"{what}: the server answered {status}"
        raise DataError(msg) from error
    except RetryError as error:
        msg = f"{what}: the server failed {_TRIES} times"
        raise DataError(msg) from error
    except (requests.RequestException, OSError, ValueError) as error:
        msg = f"{what} ({type(error).__name__}); it was tried {_TRIES} times"
        raise DataError(msg) from error
