"""A design that investigators give as a table, checked and made one like any other."""

from collections.abc import Iterator, Mapping, Sequence

from reader_study.design import constraints
from reader_study.design.allocation import Candidate
from reader_study.design.design import Design, ReaderPlan, Shown
from reader_study.design.orders import DesignError, Picture
from reader_study.formats.checking import FormatError
from reader_study.formats.design import TableRow
from reader_study.formats.protocol import Protocol

TABLE = "table"
"""Detail of the key: the rows of the table."""

_CHECKED = (
    ("sessions", constraints.every_session),
    ("max_run", constraints.longest_run),
    ("min_distance", constraints.smallest_distance),
    ("min_gap", constraints.smallest_gap),
)


def design_of_table(
    table: Sequence[TableRow], cases: Mapping[str, Candidate], protocol: Protocol
) -> Design:
    """Return the design that a table describes.

    Readers who see the same pictures in the same sessions are a group.

    Args:
        table: Its rows, by reader, session and position.
        cases: Cases that may be read.
        protocol: With the design and the number of readers.

    Raises:
        FormatError: If a row names a case, method or session that there is not.
        DesignError: If the readers are others than planned, or a constraint is not met.
    """
    faults = [
        f"{row.where}: {why}" for row in table for why in _misfits(row, cases, protocol)
    ]
    if faults:
        raise FormatError(faults)
    readers = list(dict.fromkeys(row.reader for row in table))
    if len(readers) != protocol.n_places:
        n, number = protocol.n_readers, len(readers) - protocol.reserve
        less = f" less {protocol.reserve} in reserve" if protocol.reserve else ""
        msg = f"must be {number}, the readers of design.table{less}, got {n}"
        raise DesignError(msg, "readers", "number")
    groups: dict[tuple[tuple[int, tuple[Picture, ...]], ...], str] = {}
    plans = []
    for reader in readers:
        orders = _orders(row for row in table if row.reader == reader)
        seen = tuple((s, tuple(sorted(order))) for s, order in orders.items())
        group = groups.setdefault(seen, f"group-{len(groups) + 1}")
        plans.append(ReaderPlan(reader, group, orders))
    drawn = Design({name: dict(seen) for seen, name in groups.items()}, tuple(plans))
    wanted = constraints.Wanted(protocol.design, cases, protocol.n_places)
    for key, constraint in _CHECKED:
        for found in constraint(drawn, wanted):
            least = getattr(protocol.design, key)
            msg = f"must hold in design.table, {least}, got otherwise for {found}"
            raise DesignError(msg, "design", key)
    return drawn


def _orders(rows: Iterator[TableRow]) -> Shown:
    """Return the pictures of a reader by session; what comes again is a repeat."""
    times: dict[tuple[str, str], int] = {}
    orders: dict[int, tuple[Picture, ...]] = {}
    for row in rows:
        name = (row.case, row.method)
        times[name] = times.get(name, 0) + 1
        picture = Picture(*name, times[name])
        orders[row.session] = (*orders.get(row.session, ()), picture)
    return orders


def _misfits(
    row: TableRow, cases: Mapping[str, Candidate], protocol: Protocol
) -> Iterator[str]:
    if row.case not in cases:
        yield f"case must be one of cases.csv, got {row.case!r}"
    elif row.method not in cases[row.case].methods:
        known = ", ".join(cases[row.case].methods)
        yield f"method must be one of case {row.case}, {known}, got {row.method!r}"
    if row.session > protocol.design.sessions:
        yield f"session must be 1 to {protocol.design.sessions}, got {row.session}"
