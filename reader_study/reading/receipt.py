"""What a reader keeps to prove later that nothing was changed."""

from dataclasses import asdict, dataclass
from typing import Any

from reader_study.store.chain import Head
from reader_study.store.readings import Response, Signature


@dataclass(frozen=True)
class Receipt:
    """Proof that a response was stored.

    Attributes:
        reader: Who answered.
        trial: In which trial.
        token: Which image.
        pseudo_id: As the reader knows the case in this trial.
        revision: 1, then 2 for the first correction, and so on.
        stored_at: Time of the server.
        head: Entry of the log that tells of it.
    """

    reader: str
    trial: int
    token: str
    pseudo_id: str
    revision: int
    stored_at: str
    head: Head

    @property
    def code(self) -> str:
        """Short form for the screen.

        Examples:
            >>> Receipt("anna", 1, "t", "K7", 1, "", Head(12, "ab" * 32, "")).code
            '12-ABABABAB'
        """
        return short_code(self.head)

    def to_dict(self) -> dict[str, Any]:
        """Give the content as plain values, which `verify` takes as an anchor."""
        return asdict(self) | {"code": self.code}


@dataclass(frozen=True)
class TrialReceipt:
    """Proof that a trial was signed.

    Attributes:
        reader: Who signed.
        trial: Which trial.
        n_readings: Readings of the trial.
        signed_at: Time of the server.
        head: Entry of the log that tells of it; it covers all that came before.
    """

    reader: str
    trial: int
    n_readings: int
    signed_at: str
    head: Head

    @property
    def code(self) -> str:
        """Short form for the screen."""
        return short_code(self.head)

    def to_dict(self) -> dict[str, Any]:
        """Give the content as plain values, which `verify` takes as an anchor."""
        return asdict(self) | {"code": self.code}


def reading_receipt(response: Response, pseudo_id: str, head: Head) -> Receipt:
    """Make the receipt of a response; the same one whenever it is asked for."""
    r = response
    return Receipt(
        r.reader, r.trial, r.token, pseudo_id, r.revision, r.submitted_at, head
    )


def trial_receipt(signature: Signature, head: Head) -> TrialReceipt:
    """Make the receipt of a signed trial; the same one whenever it is asked for."""
    s = signature
    return TrialReceipt(s.reader, s.trial, s.n_readings, s.signed_at, head)


def short_code(head: Head) -> str:
    """Give number and first digits of an entry's hash."""
    return f"{head.n}-{head.sha256[:8].upper()}"
