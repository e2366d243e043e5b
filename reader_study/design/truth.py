"""Content of the key: what is behind each token, and the commitment to it."""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import asdict, field, replace
from typing import Any

from reader_study.formats.canonical import canonical_bytes
from reader_study.formats.checking import Filled, Invalid, Source, Text, check, record
from reader_study.formats.manifest import Manifest
from reader_study.formats.showing.display import joined

STANDARD = "reference_standard"
"""What the key's details call what is true of the cases."""


@record
class TruthCell:
    """What is behind a token.

    Attributes:
        case: Name of the case.
        method: That made the picture; empty of several at once.
        severity: Class of the case; empty where cases have none.
        shown: Methods of several pictures at once, from the left.
    """

    case: Filled
    method: Text
    severity: Text
    shown: tuple[Filled, ...] = ()

    def __post_init__(self) -> None:
        if bool(self.method) == bool(self.shown):
            why = f"must be given unless several are shown, got {self.method!r}"
            raise Invalid(why, "method")

    @property
    def methods(self) -> tuple[str, ...]:
        """Methods of its pictures, from the left."""
        return self.shown or (self.method,)

    @property
    def picture(self) -> tuple[str, str]:
        """Name of the picture: the case, and its methods from the left as one text."""
        return self.case, joined(self.methods)

    @property
    def unit(self) -> str:
        """What it has in common with displays of the same methods at other places."""
        return joined(sorted(self.methods))


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

    @property
    def columns(self) -> dict[str, dict[str, str]]:
        """What the study's cases are by further columns, but for their severity."""
        available: Mapping[str, Any] = self.details.get("available", {})
        return {
            case: {n: v for n, v in of["columns"].items() if n != "severity"}
            for case, of in available.items()
            if isinstance(of, dict)
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the content as plain values."""
        content = asdict(self)
        if not self.copies:  # as before there were copies
            del content["copies"]
        for cell in content["cells"].values():
            if not cell["shown"]:  # as before several were shown at once
                del cell["shown"]
        return content

    @staticmethod
    def from_dict(content: object) -> "Truth":
        """Rebuild what `to_dict` gave.

        Raises:
            FormatError: If it is not such a content.
        """
        return check(Truth, content, Source("key", content))


def occasions(manifest: Manifest, truth: Truth) -> dict[str, int]:
    """Return by token 1, or 2 where a group sees the same picture a second time.

    Of two in one trial, which a reader sees first is for the order to say.

    Args:
        manifest: Of the study.
        truth: Content of its key.
    """
    seen: dict[tuple[str, str, str], int] = {}
    found = {}
    for p in sorted(manifest.presentations, key=lambda p: (p.group, p.trial, p.token)):
        cell = truth.cells[p.token]
        picture = (p.group, cell.case, cell.unit)
        found[p.token] = seen[picture] = seen.get(picture, 0) + 1
    return found


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
