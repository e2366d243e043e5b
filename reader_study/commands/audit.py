"""`magic-study audit`: does anything but the pictures tell the methods apart?"""

from collections.abc import Sequence
from pathlib import Path

from reader_study.blinding_audit import audit_study
from reader_study.blinding_audit.findings import audit_text
from reader_study.build.sealing import unseal


def audit(
    folder: Path, key: Path | None, passphrases: Sequence[str]
) -> tuple[str, bool]:
    """Audit a built study.

    Args:
        folder: STUDY.
        key: Its key; without, only what must be equal is checked.
        passphrases: What opens the key.

    Returns:
        The report, and whether there is no leak.
    """
    truth = None if key is None else unseal(key, passphrases)
    report = audit_study(folder, truth)
    return audit_text(report), not report.leaks
