"""unblinding.json: who opened the key, and the protocol that was sealed before."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from reader_study.formats import checking
from reader_study.formats.protocol import Protocol

FILE_NAME = "unblinding.json"


def sealed_content(protocol: Protocol) -> dict[str, Any]:
    """Return what unblinding.json says of the protocol as it was built."""
    return {"protocol_sha256": protocol.sha256, "protocol": asdict(protocol)}


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
    path = Path(plan).with_name(FILE_NAME)
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
