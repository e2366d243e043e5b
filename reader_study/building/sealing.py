"""The key: which picture is what, sealed so that only its keepers can read it."""

import json
import os
import secrets
import unicodedata
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from pydantic import Field

from reader_study.design.truth import Truth, TruthCell, commitment, new_salt
from reader_study.errors import StudyError
from reader_study.formats.canonical import canonical_bytes
from reader_study.formats.checking import (
    Filled,
    Invalid,
    Text,
    Whole,
    check,
    read_json,
    record,
)

__all__ = [
    "Truth",
    "TruthCell",
    "check_passphrases",
    "commitment",
    "new_salt",
    "seal",
    "unseal",
]

WORK_FACTOR = 2**17
"""Cost N of scrypt with r = 8 and p = 1: 128 MiB (OWASP Password Storage)."""

SHORTEST_PASSPHRASE = 8
_LARGEST_WORK_FACTOR = 2**20  # a forged header must not exhaust the memory
_KIND = "magic-study key"


@record
class _SealedKey:
    """What a key's file holds."""

    kind: Literal["magic-study key"]
    schema: Whole
    study_id: Text
    work_factor: Whole
    salts: Annotated[tuple[Filled, ...], Field(min_length=1)]
    nonce: Text
    ciphertext: Text

    def __post_init__(self) -> None:
        cost = self.work_factor
        if not 2 <= cost <= _LARGEST_WORK_FACTOR or cost & (cost - 1):
            msg = f"must be a power of 2 up to 2^20, got {cost}"
            raise Invalid(msg, "work_factor")


def seal(
    truth: Truth,
    path: Path,
    passphrases: Sequence[str],
    *,
    work_factor: int = WORK_FACTOR,
) -> None:
    """Write the key, encrypted by AES-256-GCM under one passphrase or two.

    With two passphrases, kept by two people, neither opens it alone; in which order
    they are given does not matter.

    Args:
        truth: Content to seal.
        path: A new file.
        passphrases: One passphrase, or two.
        work_factor: Cost N of scrypt.

    Raises:
        StudyError: If the file exists or cannot be written, or a passphrase is weak.
    """
    check_passphrases(passphrases)
    header: dict[str, Any] = {
        "kind": _KIND,
        "schema": 1,
        "study_id": truth.study_id,
        "work_factor": work_factor,
        "salts": [_written(secrets.token_bytes(16)) for _ in passphrases],
        "nonce": _written(secrets.token_bytes(12)),
    }
    cipher = AESGCM(_cipher_key(header, passphrases))
    nonce, plain = b64decode(header["nonce"]), canonical_bytes(truth.to_dict())
    sealed = _written(cipher.encrypt(nonce, plain, canonical_bytes(header)))
    _write_new(path, json.dumps(header | {"ciphertext": sealed}, indent=1) + "\n")


def unseal(path: Path, passphrases: Sequence[str]) -> Truth:
    """Read the key.

    Raises:
        StudyError: If it is no key, was changed, or the passphrases do not open it.
    """
    header = _header(path)
    sealed = header.pop("ciphertext")
    wanted = len(header["salts"])
    if len(passphrases) != wanted:
        people = "one passphrase" if wanted == 1 else "the passphrases of two people"
        msg = f"{path} must be opened by {people}, got {len(passphrases)}"
        raise StudyError(msg)
    cipher = AESGCM(_cipher_key(header, passphrases))
    try:
        plain = cipher.decrypt(
            b64decode(header["nonce"]), b64decode(sealed), canonical_bytes(header)
        )
    except (InvalidTag, ValueError) as error:  # the latter: a nonce of no use
        given = "passphrase does" if wanted == 1 else "passphrases do"
        msg = f"{path}: the {given} not open this key, or the file was changed"
        raise StudyError(msg) from error
    return Truth.from_dict(json.loads(plain))


def check_passphrases(passphrases: Sequence[str]) -> None:
    """Check that passphrases may seal a key: one, or two that differ.

    Raises:
        StudyError: If they may not.
    """
    if len(passphrases) not in {1, 2}:
        msg = f"A key must have one or two passphrases, got {len(passphrases)}"
        raise StudyError(msg)
    shortest = min(len(_normal(passphrase)) for passphrase in passphrases)
    if shortest < SHORTEST_PASSPHRASE:
        msg = f"A passphrase must have {SHORTEST_PASSPHRASE} characters, got {shortest}"
        raise StudyError(msg)
    if len({_normal(passphrase) for passphrase in passphrases}) != len(passphrases):
        msg = "The two passphrases must differ, got the same twice"
        raise StudyError(msg)


def _header(path: Path) -> dict[str, Any]:
    source = read_json(path)
    key = check(_SealedKey, source.content, source)
    header: dict[str, Any] = source.content
    try:
        for value in (*key.salts, key.nonce, key.ciphertext):
            b64decode(value, validate=True)
    except (Base64Error, ValueError) as error:
        msg = f"{path}: the key is damaged ({error})"
        raise StudyError(msg) from error
    return header


def _cipher_key(header: Mapping[str, Any], passphrases: Sequence[str]) -> bytes:
    shares = b"".join(
        Scrypt(
            salt=b64decode(salt), length=32, n=header["work_factor"], r=8, p=1
        ).derive(passphrase.encode())
        for salt, passphrase in zip(
            header["salts"], sorted(map(_normal, passphrases)), strict=True
        )
    )
    info = _KIND.encode()
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(shares)


def _normal(passphrase: str) -> str:
    # Keyboards differ in how they compose an umlaut.
    return unicodedata.normalize("NFKC", passphrase)


def _written(value: bytes) -> str:
    return b64encode(value).decode("ascii")


def _write_new(path: Path, content: str) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        msg = f"{path} exists already; a key is never written over"
        raise StudyError(msg) from error
    except OSError as error:
        msg = f"{path}: cannot be written ({error.strerror})"
        raise StudyError(msg) from error
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        with suppress(OSError):
            path.unlink()
        msg = f"{path}: cannot be written ({error.strerror})"
        raise StudyError(msg) from error
