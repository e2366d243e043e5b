"""preregistration.md: the text given to a registry, tied to a study by a hash.

People fill in such a text, so its own hash changes; the hash of the protocol in it does
not, and it is that of manifest.json and of unblinding.json.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reader_study.formats import checking

FILE_NAME = "preregistration.md"
PROTOCOL, QUESTIONNAIRE = "Protocol SHA-256", "Questionnaire SHA-256"
COMMITMENT, MADE = "Commitment to the key", "Made at"

_LINE = re.compile(r"^[-*]?\s*([A-Z][A-Za-z0-9 -]+): `?([^`\n]*?)`?\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Registered:
    """A registered text, as a report sees it.

    Attributes:
        protocol_sha256: Hash of the protocol that it names.
        text_sha256: Hash of the file as it lies there.
        made_at: When it was written, by the clock of that machine.
    """

    protocol_sha256: str
    text_sha256: str
    made_at: str = ""


def hash_lines(values: Mapping[str, str]) -> str:
    """Return the lines of a text that hold its hashes.

    Examples:
        >>> print(hash_lines({PROTOCOL: "ab12"}))
        - Protocol SHA-256: `ab12`
    """
    return "\n".join(f"- {name}: `{value}`" for name, value in values.items())


def registered_beside(responses: str | Path) -> Registered | None:
    """Return the registered text in the folder of responses.csv, None without one.

    Raises:
        FormatError: If there is one that cannot be read or names no protocol.
    """
    path = Path(responses).with_name(FILE_NAME)
    if not path.exists():
        return None
    text = checking.read_text(path, "utf-8-sig")
    found = dict(_LINE.findall(text))
    if not re.fullmatch(r"[0-9a-f]{64}", found.get(PROTOCOL, "")):
        got = found.get(PROTOCOL, "")[:40] or "nothing"
        msg = f"{path} must hold a line '{PROTOCOL}: ' with 64 hex digits, got {got}"
        raise checking.FormatError([msg])
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Registered(found[PROTOCOL], digest, found.get(MADE, ""))
