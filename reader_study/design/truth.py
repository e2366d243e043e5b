"""Content of the key: what is behind each token, and the commitment to it."""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import asdict, field
from typing import Any

from reader_study.formats.canonical import canonical_bytes
from reader_study.formats.checking import Filled, Source, check, record


@record
class TruthCell:
    """What is behind a token."""

    case: Filled
    method: Filled
    severity: Filled


@record
class Truth:
    """The content of the key.

    Attributes:
        study_id: The study it belongs to.
        salt: 256 random bits in hexadecimal, without which the commitment cannot be
            compared with guessed allocations.
        cells: What is behind each token.
        details: How the study was drawn: the nonce of the seed, sources of images.
    """

    study_id: str
    salt: str
    cells: Mapping[str, TruthCell]
    details: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the content as plain values."""
        return asdict(self)

    @staticmethod
    def from_dict(content: object) -> "Truth":
        """Rebuild what `to_dict` gave.

        Raises:
            FormatError: If it is not such a content.
        """
        return check(Truth, content, Source("key", content))


def new_salt() -> str:
    """Draw a salt of 256 bits."""
    return secrets.token_hex(32)


def commitment(truth: Truth) -> str:
    """Return the HMAC-SHA256 of a key's content, in hexadecimal.

    It binds whoever published it to this content, and tells nothing of it: without
    the salt, guessed allocations cannot be compared with it.
    """
    content = {name: x for name, x in truth.to_dict().items() if name != "salt"}
    return hmac.digest(
        bytes.fromhex(truth.salt), canonical_bytes(content), "sha256"
    ).hex()
