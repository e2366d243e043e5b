"""Codes as slips of paper, one per reader, to be printed, cut and handed over."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from reader_study.clock import Clock, to_text
from reader_study.errors import StudyError
from reader_study.running.access import CODE_DAYS, issue_code
from reader_study.store.access import usable_codes
from reader_study.store.readers import all_readers
from reader_study.store.store import Store

_DOCUMENT = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Codes</title>
<style>
@page {{ margin: 12mm; }}
body {{ margin: 0; background: #fff; color: #000; font: 11pt/1.4 sans-serif; }}
.slip {{ box-sizing: border-box; border: 1px dashed #555; padding: 7mm 9mm; }}
.slip {{ margin: 0 0 6mm; max-width: 180mm; break-inside: avoid; }}
.slip p {{ margin: 0 0 2mm; }}
.slip .code {{ font: 600 19pt/1.5 monospace; letter-spacing: .06em; }}
.slip .small {{ font-size: 9.5pt; margin: 0; }}
</style>
</head>
<body>
<main>
<h1 style="font-size: 12pt">Codes: hand each slip to its reader alone</h1>
{slips}
</main>
</body>
</html>
"""


@dataclass(frozen=True)
class Slip:
    """A code on its way to a reader; it is kept nowhere else.

    Attributes:
        reader: Name under which the reader signs in.
        code: The code.
        days: How long it may be used.
    """

    reader: str
    code: str
    days: float


def readers_without_code(store: Store, *, clock: Clock) -> tuple[str, ...]:
    """Return the active readers who have no code that still lets in."""
    now = to_text(clock.now())
    with store.reading() as connection:
        active = [r.name for r in all_readers(connection) if r.active]
        return tuple(n for n in active if not usable_codes(connection, n, now))


def issue_slips(
    store: Store,
    readers: Sequence[str] = (),
    *,
    by: str,
    clock: Clock,
    days: float = CODE_DAYS,
) -> tuple[Slip, ...]:
    """Make a code for each of some readers.

    Args:
        store: Store of the study.
        readers: Names; empty for all active readers who have no unused code.
        by: Name of who hands them over.
        clock: The server's clock.
        days: How long the codes may be used.

    Raises:
        StudyError: If nobody is without a code, or one is no active reader.
    """
    named = tuple(dict.fromkeys(readers))
    wanted = named or readers_without_code(store, clock=clock)
    if not wanted:
        msg = "A slip must be for an active reader without an unused code, got none"
        raise StudyError(msg)
    return tuple(
        Slip(name, issue_code(store, name, by=by, clock=clock, days=days), days)
        for name in wanted
    )


def slips_document(title: str, slips: Iterable[Slip], *, address: str = "") -> str:
    """Return a page to print, with a slip per reader.

    Args:
        title: Title of the study, as readers see it.
        slips: What was issued just now.
        address: Of the reading room; empty for a line to write it on.
    """
    body = "\n".join(slip_html(title, slip, address=address) for slip in slips)
    return _DOCUMENT.format(slips=body)


def slip_html(title: str, slip: Slip, *, address: str = "") -> str:
    """Return one slip.

    Examples:
        >>> "ABCD-EFGH" in slip_html("A study", Slip("anna", "ABCD-EFGH", 14))
        True
    """
    where = escape(address) or "_" * 30
    return (
        f"<section class='slip'><p>{escape(title)}</p>"
        f"<p>Code for <strong>{escape(slip.reader)}</strong></p>"
        f"<p class='code'>{escape(slip.code)}</p>"
        f"<p>Address: {where}</p>"
        "<p class='small'>Sign in with the name and this code. It lets in once, within "
        f"{slip.days:g} days of being made. Show it to nobody; destroy it after use."
        "</p></section>"
    )
