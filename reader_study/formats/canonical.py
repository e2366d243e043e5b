"""One way to write a value as bytes, so that equal values have equal hashes."""

import hashlib
import json


def canonical_bytes(value: object) -> bytes:
    r"""Return the JSON of a value with sorted keys and without spaces.

    Examples:
        >>> canonical_bytes({"b": 1, "a": "é"})
        b'{"a":"\xc3\xa9","b":1}'
    """
    text = json.dumps(
        value,
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
    )
    return text.encode()


def sha256_of(value: object) -> str:
    """Return the SHA-256 of a value's canonical JSON, in hexadecimal."""
    return hashlib.sha256(canonical_bytes(value)).hexdigest()
