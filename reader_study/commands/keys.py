"""The commands that need the key: `simulate` and `unblind`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reader_study.build.sealing import unseal
from reader_study.clock import SystemClock
from reader_study.commands.store_of import read_anchors, running, write_new
from reader_study.errors import StudyError
from reader_study.formats.responses import FILE_NAME as RESPONSES
from reader_study.rehearsal.bots import SimulationPlan
from reader_study.rehearsal.simulation import simulate as run_bots
from reader_study.running.unblinding import RECORD, Request
from reader_study.running.unblinding import unblind as open_key


@dataclass(frozen=True)
class Wish:
    """Who wants to unblind, why, and where the result goes.

    Attributes:
        key: The sealed key.
        passphrases: All that it needs.
        names: Two people.
        reason: Why now.
        out: Folder for the result, outside the study.
        anchors: Receipts or lock records.
    """

    key: Path
    passphrases: Sequence[str]
    names: Sequence[str]
    reason: str
    out: Path
    anchors: Sequence[Path]


def simulate(
    place: tuple[Path, str | None],
    key: Path,
    passphrases: Sequence[str],
    plan: SimulationPlan,
    *,
    seed: int,
) -> str:
    """Let bots read the study."""
    truth = unseal(key, passphrases)
    rng = np.random.default_rng(seed)
    with running(*place) as (study, store):
        done = run_bots(study, store, truth, plan, rng=rng, clock=SystemClock())
    lines = [
        f"SIMULATED: {done.n_readers} bots, {done.n_answered} readings answered, "
        f"{done.n_declined} declined. This study stays marked as simulated.",
        "question  planted agreement  planted kappa",
    ]
    lines += [
        f"{name:<10}{p.agreement:>17.3f}{p.kappa:>15.3f}"
        for name, p in done.planted.items()
    ]
    return "\n".join(lines)


def unblind(place: tuple[Path, str | None], wish: Wish) -> str:
    """Join the answers with the key and write them.

    Raises:
        StudyError: If it may not be done; see `reader_study.running.unblinding`.
    """
    if len(wish.names) != 2:
        msg = f"Two people must be named, got {len(wish.names)}"
        raise StudyError(msg)
    with running(*place) as (study, store):
        folder = study.folder.resolve()
        if wish.out.resolve().is_relative_to(folder):
            msg = f"The result must lie outside of {study.folder}, got {wish.out}"
            raise StudyError(msg)
        if wish.out.exists() and any(wish.out.iterdir()):
            msg = f"{wish.out} must be a new folder or an empty one"
            raise StudyError(msg)
        anchors = read_anchors(study, wish.anchors)
        first, second = wish.names
        request = Request(
            wish.key, wish.passphrases, first, second, wish.reason, anchors
        )
        done = open_key(study, store, request, clock=SystemClock())
    for name, content in done.files.items():
        write_new(wish.out / name, content)
    again = done.record["time_of_unblinding"]
    times = "" if again == 1 else f" This is unblinding number {again}."
    return (
        f"Unblinded; record in {wish.out / RECORD}.{times}\n"
        f"magic-analyze report {wish.out / RESPONSES} --out ..."
    )
