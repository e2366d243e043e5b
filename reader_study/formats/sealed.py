"""What was fixed before anybody read, and lies beside the answers once they are open.

The protocol as it was sealed, in unblinding.json, and the text given to a registry.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from reader_study.formats import checking
from reader_study.formats.protocol import Protocol

UNBLINDING = "unblinding.json"
"""Who opened the key, and the protocol that was sealed before."""


def sealed_content(protocol: Protocol) -> dict[str, Any]:
    """Return what unblinding.json says of the protocol as it was built."""
    content = asdict(protocol)
    for name in ("layout", "reserve", "panel"):  # as before there were such settings
        if not content[name]:
            del content[name]
    return {"protocol_sha256": protocol.sha256, "protocol": content}


def sealed_protocol_beside(plan: str | Path) -> Protocol | None:
    """Return the protocol in the unblinding.json beside plan.json.

    Its hash is computed again: it must be the one that is written there, which is that
    of manifest.json and of the first entry of the study's log.

    Args:
        plan: Path of plan.json.

    Returns:
        The protocol; None where there is none, as in earlier studies.

    Raises:
        FormatError: If there is one that cannot be used, or has another hash.
    """
    path = Path(plan).with_name(UNBLINDING)
    if not path.exists():
        return None
    source = checking.read_json(path)
    content = source.content if isinstance(source.content, dict) else {}
    if "protocol" not in content:
        return None

    def path_of(where: checking.Path_) -> checking.Path_:
        return ("protocol", *where)

    protocol = checking.check(Protocol, content["protocol"], source, path_of)
    told = content.get("protocol_sha256")
    if protocol.sha256 != told:
        why = f"must be the hash of protocol, {protocol.sha256}, got {told!r}"
        raise source.error([checking.Fault(("protocol_sha256",), why)])
    return protocol


REGISTERED = "preregistration.md"
"""The text given to a registry. People fill it in, so its own hash changes; that of the
protocol in it does not."""

PROTOCOL_HASH, QUESTIONNAIRE_HASH = "Protocol SHA-256", "Questionnaire SHA-256"
COMMITMENT, MADE = "Commitment to the key", "Made at"

_HASH_LINE = re.compile(
    r"^[-*]?\s*([A-Z][A-Za-z0-9 -]+): `?([^`\n]*?)`?\s*$", re.MULTILINE
)


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
        >>> print(hash_lines({PROTOCOL_HASH: "ab12"}))
        - Protocol SHA-256: `ab12`
    """
    return "\n".join(f"- {name}: `{value}`" for name, value in values.items())


def registered_beside(responses: str | Path) -> Registered | None:
    """Return the registered text in the folder of responses.csv, None without one.

    Raises:
        FormatError: If there is one that cannot be read or names no protocol.
    """
    path = Path(responses).with_name(REGISTERED)
    if not path.exists():
        return None
    text = checking.read_text(path, "utf-8-sig")
    found = dict(_HASH_LINE.findall(text))
    if not re.fullmatch(r"[0-9a-f]{64}", found.get(PROTOCOL_HASH, "")):
        got = found.get(PROTOCOL_HASH, "")[:40] or "nothing"
        msg = (
            f"{path} must hold a line '{PROTOCOL_HASH}: ' with 64 hex digits, got {got}"
        )
        raise checking.FormatError([msg])
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Registered(found[PROTOCOL_HASH], digest, found.get(MADE, ""))
