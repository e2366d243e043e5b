"""`magic-analyze power --protocol`: of preference, ranking, choice and scores."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, get_args

from analysis.commands.shared import text_table
from analysis.errors import InputError, user_input
from analysis.power.design import DesignSize
from analysis.power.displays import (
    DisplayAssumptions,
    DisplayPower,
    Measure,
    display_power,
    who_reads,
)
from analysis.power.normal import check_power
from reader_study.formats import checking
from reader_study.formats.design import StudyDesign
from reader_study.formats.endpoint import ACCURACY, Endpoint
from reader_study.formats.plan_check import check_plan
from reader_study.formats.protocol import protocol_of
from reader_study.formats.questionnaire import (
    PAPER,
    paper_questionnaire,
    read_questionnaire,
)
from reader_study.formats.showing.display import pictures_of

_SHARES: Mapping[str, float] = {"preferred": 0.6, "found": 0.75}
_DIFFERENCE, _READERS, _CASES = 0.5, (4, 6, 10), (10, 20, 40, 80)
_MEASURES = ", ".join(get_args(Measure))


@dataclass(frozen=True)
class DisplayRequest:
    """What is asked: a truth, sizes, and who of them reads what.

    Attributes:
        assumptions: What is true.
        readers: Numbers of readers.
        cases: Numbers of cases.
        power: Wanted.
        repetitions: Simulated studies of each size.
        seed: Start of the simulation.
        design: Of a protocol; None: everybody reads all.
        source: The protocol, empty without.
    """

    assumptions: DisplayAssumptions
    readers: tuple[int, ...] = _READERS
    cases: tuple[int, ...] = _CASES
    power: float = 0.8
    repetitions: int = 1_000
    seed: int = 1
    design: StudyDesign | None = None
    source: str = ""


def displays_power(
    options: Mapping[str, Any],
    given: Mapping[str, Any],
    *,
    as_json: bool,
    progress: Callable[[str], None],
) -> str:
    """Compute the power of every size.

    Args:
        options: Those of displays alone, by name; None where not given.
        given: Those of any design that were given.
        as_json: Return JSON.
        progress: Called before each size.

    Raises:
        InputError: If something cannot be had together.
        FormatError: If the protocol cannot be used.
    """
    with user_input():
        request = _request(options, given)
        check_power(request.power, request.assumptions.alpha)
        found = [
            _power_of(request, DesignSize(readers, cases), progress)
            for readers in sorted(set(request.readers))
            for cases in sorted(set(request.cases))
        ]
    if as_json:
        return json.dumps(_json(request, found), indent=1)
    return _describe(request, found)


def _request(options: Mapping[str, Any], given: Mapping[str, Any]) -> DisplayRequest:
    known: dict[str, Any] = {}
    own: dict[str, Any] = {}
    if options["protocol"] is not None:
        known, own = _of_protocol(options["protocol"], options)
    measure = own.get("measure", options["measure"])
    if measure not in get_args(Measure):
        msg = f"--measure must be {_MEASURES}, got {measure or 'no --measure'}"
        raise InputError(msg)
    known |= _true(measure, options)
    known |= {name: own[name] for name in ("arms", "pictures") if name in own}
    for name in ("arms", "pictures", "spread"):
        if options[name] is not None and name not in known:
            known[name] = options[name]
    known.setdefault("pictures", known.get("arms", 2) if measure == "found" else 2)
    for name in ("alpha", "patient_correlation", "reader_correlation"):
        if name in given:
            known[name] = given[name]
    assumptions = DisplayAssumptions(measure=measure, **known)
    request = DisplayRequest(
        assumptions, design=own.get("design"), source=str(options["protocol"] or "")
    )
    known_sizes = {**own, **given}
    names = ("readers", "cases", "power", "repetitions", "seed")
    return replace(request, **{n: known_sizes[n] for n in names if n in known_sizes})


def _true(measure: str, options: Mapping[str, Any]) -> dict[str, float]:
    """Return what is true of a measure.

    Raises:
        InputError: If what was given is of another measure.
    """
    wanted, other = ("difference", "share") if measure == "shift" else (
        "share", "difference")  # fmt: skip
    if options[other] is not None:
        msg = f"Power of {measure} takes --{wanted}, got --{other}"
        raise InputError(msg)
    if measure != "shift" and options["spread"] is not None:
        msg = f"Power of {measure} takes no --spread, which is of shift"
        raise InputError(msg)
    usual = _SHARES.get(measure, _DIFFERENCE)
    return {"true": usual if options[wanted] is None else options[wanted]}


def _of_protocol(
    path: Path, options: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a protocol says of its primary endpoint, and of its design."""
    for name in ("measure", "arms", "pictures"):
        if options[name] is not None:
            msg = f"--protocol says --{name} itself, got both"
            raise InputError(msg)
    source = checking.read_toml(path)
    protocol = protocol_of(source)
    named = protocol.questionnaire
    asked = paper_questionnaire() if named == PAPER else (
        read_questionnaire(path.with_name(named)))  # fmt: skip
    plan = check_plan(protocol, asked, source)
    if not isinstance(plan.primary, Endpoint):
        why = "must be an endpoint with a measure, for power is that of its test"
        raise source.error([checking.Fault(("analysis", "primary"), why)])
    primary, design = plan.primary, protocol.design
    if primary.measure not in get_args(Measure) or primary.claim != "differs":
        why = _not_here(primary)
        raise source.error([checking.Fault(("analysis", "primary"), why)])
    known = {"alpha": plan.alpha}
    at_once = pictures_of(design.display, len(design.arms), design.pictures)
    own = {
        "measure": primary.measure,
        "arms": len(design.arms),
        "pictures": max(at_once, 2),
        "readers": (protocol.n_readers,),
        "design": design,
    }
    if protocol.n_cases:
        own["cases"] = (protocol.n_cases,)
    return known, own


def _not_here(primary: Endpoint) -> str:
    """Return what has the power of another endpoint."""
    if primary.measure in ACCURACY:
        elsewhere = "magic-analyze power --pilot has that of accuracy"
    elif primary.measure in {"kappa", "agreement", "acceptability"}:
        elsewhere = "magic-analyze power --design has that of agreement of two methods"
    else:
        elsewhere = "there is no power of others"
    return (
        f"must claim that {_MEASURES} differs, for power by protocol, got "
        f"{primary.measure} with claim {primary.claim!r}; {elsewhere}"
    )


def _power_of(
    request: DisplayRequest, size: DesignSize, progress: Callable[[str], None]
) -> DisplayPower:
    progress(f"{size.readers} readers x {size.cases} cases")
    reads = None
    if request.design is not None:
        design = request.design
        if design.cases_per_reader > size.cases:
            msg = (
                f"Cases must be {design.cases_per_reader} or more, as many as a reader "
                f"has, got {size.cases}"
            )
            raise InputError(msg)
        reads = who_reads(
            size,
            groups=design.groups,
            shared=design.shared_cases,
            each=design.cases_per_reader,
        )
    return display_power(
        request.assumptions,
        size,
        reads=reads,
        repetitions=request.repetitions,
        seed=request.seed,
    )


def _json(request: DisplayRequest, found: Sequence[DisplayPower]) -> dict[str, Any]:
    asked = asdict(request.assumptions)
    del asked["pictures" if request.assumptions.measure == "shift" else "spread"]
    return {
        "asked": {
            **asked,
            "wanted": request.power,
            "repetitions": request.repetitions,
            "seed": request.seed,
            "protocol": request.source or None,
        },
        "designs": [
            {
                "measure": request.assumptions.measure,
                "readers": one.size.readers,
                "cases": one.size.cases,
                "displays_per_reader": one.displays,
                "power_simulated": one.power,
                "standard_error": one.standard_error,
                "power_of_all": one.every,
                "power_of_one_reader": one.alone,
            }
            for one in found
        ],
    }


_WHAT: Mapping[str, str] = {
    "preferred": "A method is put before the reference in {true:.1%} of displays "
    "(no preference: 50%)",
    "found": "The reference is found in {true:.1%} of displays of {pictures} "
    "(guessing: {null:.1%})",
    "shift": "A score differs by {true:g} from the reference's, of which one reader's "
    "differences in one case have a standard deviation of {spread:g}",
}


def _describe(request: DisplayRequest, found: Sequence[DisplayPower]) -> str:
    true = request.assumptions
    values = {**asdict(true), "null": true.null}
    what = _WHAT[true.measure].format_map(values)
    if true.comparisons > 1:
        what += f"; each of {true.comparisons} against the first, by Holm's method"
    share = f"{true.patient_correlation:g} the case's, {true.reader_correlation:g}"
    said = (
        f"{what}; alpha {true.alpha:g} two-sided\n"
        f"Of the variance of what is seen {share} the reader's\n"
        f"Power of the test on which a report decides, readers and cases random; "
        f"{request.repetitions} simulated studies of each size"
    )
    head = ["Readers", "Cases", "Displays of a reader", "Power"]
    head += ["Of all comparisons"] if true.comparisons > 1 else []
    head += ["One reader alone, exact"] if true.measure == "found" else []
    rows = []
    for one in found:
        row = [
            str(one.size.readers), str(one.size.cases), f"{one.displays:g}",
            f"{one.power:.1%}",
        ]  # fmt: skip
        row += [f"{one.every:.1%}"] if true.comparisons > 1 else []
        row += [] if one.alone is None else [f"{one.alone:.1%}"]
        rows.append(row)
    needed = [_needed(request, found, n) for n in sorted(set(request.readers))]
    return "\n\n".join([said, text_table(rows, head), "\n".join(needed)])


def _needed(
    request: DisplayRequest, found: Sequence[DisplayPower], readers: int
) -> str:
    enough = [
        one.size.cases
        for one in found
        if one.size.readers == readers and one.power >= request.power
    ]
    said = str(min(enough)) if enough else "none"
    wanted = f"{request.power:.0%} with {readers} readers"
    return f"Fewest of these cases for {wanted}: {said}"
