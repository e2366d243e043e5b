"""Content of the key: what is behind each token, and the commitment to it."""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import asdict, field, replace
from typing import Any

from reader_study.formats.canonical import canonical_bytes
from reader_study.formats.checking import Filled, Source, Text, check, record

STANDARD = "reference_standard"
"""What the key's details call what is true of the cases."""


@record
class TruthCell:
    """What is behind a token; the severity is empty where cases have none."""

    case: Filled
    method: Filled
    severity: Text


@record
class Truth:
    """The content of the key.

    Attributes:
        study_id: The study it belongs to.
        salt: 256 random bits in hexadecimal, without which the commitment cannot be
            compared with guessed allocations.
        cells: What is behind each token.
        details: How the study was drawn: the nonce of the seed, sources of images,
            the seed of the padding; and the reference standard of its cases.
        copies: Text of the small files of STUDY, by place in it, to restore them;
            none in keys of earlier versions. The commitment, which one of them holds,
            does not cover them.
    """

    study_id: str
    salt: str
    cells: Mapping[str, TruthCell]
    details: Mapping[str, Any] = field(default_factory=dict)
    copies: Mapping[str, Text] = field(default_factory=dict)

    @property
    def standard(self) -> Mapping[str, Mapping[str, str]]:
        """`truth` and `truth_source` by case; empty where the study has none."""
        found: Mapping[str, Mapping[str, str]] = self.details.get(STANDARD, {})
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return the content as plain values."""
        content = asdict(self)
        if not self.copies:  # as before there were copies
            del content["copies"]
        return content

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
    content = replace(truth, copies={}).to_dict()
    del content["salt"]
    return hmac.digest(
        bytes.fromhex(truth.salt), canonical_bytes(content), "sha256"
    ).hex()
