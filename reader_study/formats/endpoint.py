"""An endpoint of the plan: a question, a measure and what is claimed of it."""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Literal, get_args

from reader_study.formats import checking
from reader_study.formats.questionnaire import Code, Question, Questionnaire

Measure = Literal[
    "agreement",
    "kappa",
    "weighted_kappa",
    "ac1",
    "acceptability",
    "turing",
    "shift",
    "share_acceptable",
    "auc",
    "sensitivity",
    "specificity",
    "preferred",
    "found",
]
"""What is estimated, with readers and patients random.

`agreement`: the share of pairs with the same answer; `kappa`, `weighted_kappa`, `ac1`:
agreement beyond chance; `acceptability`: the share of acceptable pictures, test minus
reference; `turing`: the balanced accuracy of telling the methods apart; `shift`: mean
steps along the scale, test minus reference; `share_acceptable`: the share of acceptable
pictures of one method; `auc`, `sensitivity`, `specificity`: accuracy of the plan's
`rating` against the truth, test minus reference; `preferred`: of displays of both
pictures, the share in which the test's was put before the reference's, ties half;
`found`: the share of displays in which the reference's picture was found."""

ACCURACY: frozenset[Measure] = frozenset({"auc", "sensitivity", "specificity"})
"""Measures that need a truth of each case, and the plan's rating."""

OF_DISPLAYS: frozenset[Measure] = frozenset({"preferred", "found"})
"""Measures of questions about several pictures at once."""

Between = Literal["methods", "readers", "readings"]
"""Whose answers are to be the same: a reader's under two methods, two readers' under
one method, or a reader's first and second under one method."""

Claim = Literal["at_least", "non_inferior", "equivalent", "differs", "estimate"]
"""What is to be shown; `estimate` claims nothing.

`at_least`: the lower limit lies above `above`; `non_inferior`: the lower limit of the
difference lies above -`margin`; `equivalent`: the estimate lies within `margin` of no
difference, or of chance; `differs`: it is not 0, or not chance."""

Multiplicity = Literal["holm", "fixed_sequence", "none"]
"""How the endpoints after the primary one share its error; `none`: they claim
nothing."""

_AGREEMENT: tuple[Claim, ...] = ("at_least", "estimate")
_DIFFERENCE: tuple[Claim, ...] = ("non_inferior", "equivalent", "differs", "estimate")
CLAIMS: Mapping[Measure, tuple[Claim, ...]] = {
    "agreement": _AGREEMENT,
    "kappa": _AGREEMENT,
    "weighted_kappa": _AGREEMENT,
    "ac1": _AGREEMENT,
    "acceptability": _DIFFERENCE,
    "turing": ("equivalent", "differs", "estimate"),
    "shift": ("differs", "equivalent", "estimate"),
    "share_acceptable": _AGREEMENT,
    **dict.fromkeys(ACCURACY, _DIFFERENCE),
    "preferred": ("differs", "equivalent", "estimate"),
    # Not at_least: falsely made in up to 5.0 % of 400 studies, where 2.5 % are allowed.
    "found": ("differs", "equivalent", "estimate"),
}
"""Claims that each measure can have."""

_BETWEEN: Mapping[str, tuple[Measure, ...]] = {
    "readers": ("agreement", "kappa", "ac1"),
    "readings": ("agreement", "kappa", "weighted_kappa", "ac1"),
}
"""Measures of agreement that is not between methods."""

_LOWEST: Mapping[str, float] = {"agreement": 0.0, "share_acceptable": 0.0}
_LARGEST: Mapping[str, float] = {
    "acceptability": 1.0,
    "turing": 0.5,
    **dict.fromkeys(ACCURACY, 1.0),
    "preferred": 0.5,
    "found": 1.0,
}


@checking.record(kw_only=True)
class Endpoint:
    """One endpoint, valid by itself; whether the questionnaire has it is not known."""

    question: checking.Filled
    """Id of the question."""

    measure: Measure
    claim: Claim = "estimate"

    margin: checking.Number | None = None
    """Of `non_inferior` and `equivalent`; None for the margin of the whole plan."""

    above: checking.Number | None = None
    """Of `at_least`."""

    weights: Literal["linear", "quadratic", "own"] = "quadratic"
    """Of `weighted_kappa`; `own` are the question's in the plan's `weights`."""

    between: Between = "methods"
    """Of agreement; `kappa` between readers is Fleiss'."""

    method: checking.Text = ""
    """The one method that it is about, empty where the study has one."""

    @property
    def of_one_method(self) -> bool:
        """Whether it is about readings under one method, and compares no two."""
        return self.between != "methods" or self.measure == "share_acceptable"

    def __post_init__(self) -> None:
        possible = CLAIMS[self.measure]
        if self.claim not in possible:
            why = f"must be {' or '.join(possible)} of {self.measure}, got {self.claim}"
            raise checking.Invalid(why, "claim")
        self._check_above()
        self._check_margin()
        if self.weights != "quadratic" and self.measure != "weighted_kappa":
            why = f"must be left out of {self.measure}, got {self.weights}"
            raise checking.Invalid(why, "weights")
        self._check_method()

    def _check_method(self) -> None:
        known = _BETWEEN.get(self.between)
        if known is not None and self.measure not in known:
            why = f"must be methods of {self.measure}, got {self.between}"
            raise checking.Invalid(why, "between")
        if self.method and not self.of_one_method:
            why = (
                f"must be left out of {self.measure} between methods, got "
                f"{self.method!r}"
            )
            raise checking.Invalid(why, "method")

    def _check_above(self) -> None:
        if self.claim != "at_least":
            if self.above is not None:
                why = (
                    f"must be left out where the claim is {self.claim}, got "
                    f"{self.above:g}"
                )
                raise checking.Invalid(why, "above")
            return
        lowest = _LOWEST.get(self.measure, -1.0)
        if self.above is None or not lowest <= self.above < 1:
            got = "nothing" if self.above is None else f"{self.above:g}"
            why = f"must be from {lowest:g} to below 1 of {self.measure}, got {got}"
            raise checking.Invalid(why, "above")

    def _check_margin(self) -> None:
        if self.claim not in {"non_inferior", "equivalent"}:
            if self.margin is not None:
                why = (
                    f"must be left out where the claim is {self.claim}, got "
                    f"{self.margin:g}"
                )
                raise checking.Invalid(why, "margin")
            return
        if self.margin is None:
            return
        largest = _LARGEST.get(self.measure)
        if self.margin <= 0 or (largest is not None and self.margin >= largest):
            limit = "above 0" if largest is None else f"between 0 and {largest:g}"
            why = f"must be {limit} of {self.measure}, got {self.margin:g}"
            raise checking.Invalid(why, "margin")


def misfit(
    endpoint: Endpoint, questionnaire: Questionnaire, acceptable: Collection[Code]
) -> checking.Fault | None:
    """Return why the questionnaire does not allow an endpoint, None if it does.

    Args:
        endpoint: What was planned.
        questionnaire: What is asked.
        acceptable: Codes that count as acceptable.
    """
    asked = {question.id: question for question in questionnaire}
    question = asked.get(endpoint.question)
    if question is None:
        why = f"must be one of {', '.join(asked)}, got {endpoint.question!r}"
        return checking.Fault(("question",), why)
    if endpoint.measure in OF_DISPLAYS or question.of_display:
        return _display_misfit(endpoint, question)
    rates = endpoint.measure in ACCURACY and question.numeric
    if not (question.on_scale or rates):
        why = f"must be answered by one code of a scale, got {question.id}, which has "
        return checking.Fault(("question",), f"{why}type {question.type}")
    codes = set(question.codes)
    if endpoint.measure == "turing" and not {0, 1} <= codes:
        why = f"must have codes 1 (real) and 0 for turing, got {question.id}"
        return checking.Fault(("question",), why)
    of_acceptable = endpoint.measure in {"acceptability", "share_acceptable"}
    if of_acceptable and not set() < set(acceptable) < codes:
        why = (
            f"must have acceptable codes, some and not all of {list(question.codes)}, "
            f"got {question.id} with acceptable_codes {list(acceptable)}"
        )
        return checking.Fault(("question",), why)
    return None


def _display_misfit(endpoint: Endpoint, question: Question) -> checking.Fault | None:
    """Find a measure of one picture for a question about several, or the reverse."""
    of_displays = endpoint.measure in OF_DISPLAYS
    if of_displays and question.of_display:
        return None
    known = " or ".join(sorted(OF_DISPLAYS))
    must = "of the pictures of a display" if of_displays else f"measured by {known}"
    why = f"must be {must}, got {question.id}, which has type {question.type}"
    return checking.Fault(("question",), f"{why}, by {endpoint.measure}")


_IN_WORDS: tuple[tuple[Measure, str], ...] = (
    ("weighted_kappa", r"weighted\s+(?:cohen'?s\s+)?kappa"),
    ("kappa", r"kappa"),
    ("ac1", r"\bac1\b"),
    ("acceptability", r"acceptab|non-?inferior"),
    ("turing", r"turing|balanced accuracy|equivalence to chance"),
    ("shift", r"\bshifts?\b"),
    ("auc", r"\bauc\b|area under"),
    ("sensitivity", r"\bsensitivit"),
    ("specificity", r"\bspecificit"),
    ("agreement", r"\bagree"),
)
_GENERAL = frozenset({"agreement"})
"""Said of every coefficient, so it counts only where no other is named."""
_BETWEEN_IN_WORDS: Mapping[Between, str] = {
    "readers": r"(between|among)\s+(the\s+)?(readers|raters)|inter-?\s?(reader|rater)",
    "readings": r"(intra|within)-?\s?(reader|rater)|(repeat|second)\w*\s+reading",
}


def understood(text: str, questions: Iterable[str]) -> Endpoint | None:
    """Return the estimate that a text names, None unless it names exactly one.

    Args:
        text: Such as the plans of earlier studies have it.
        questions: Ids of the questionnaire.

    Examples:
        >>> found = understood("Cohen's kappa between the methods on Q3", ["Q1", "Q3"])
        >>> found.question, found.measure, found.claim
        ('Q3', 'kappa', 'estimate')
        >>> understood("Kappa on Q1 and Q3", ["Q1", "Q3"]) is None
        True
    """
    named = [q for q in questions if re.search(rf"(?<!\w){re.escape(q)}(?!\w)", text)]
    measures = list(_measures_in(text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")))
    special = [measure for measure in measures if measure not in _GENERAL]
    measures = special or measures
    if len(named) != 1 or len(measures) != 1:
        return None
    between = _between_in(text)
    if between != "methods":
        fits = measures[0] in _BETWEEN[between]
        found = {"question": named[0], "measure": measures[0], "between": between}
        return Endpoint(**found) if fits else None  # type: ignore[arg-type]
    if measures[0] == "weighted_kappa" and re.search("linear", text, re.IGNORECASE):
        return Endpoint(question=named[0], measure="weighted_kappa", weights="linear")
    return Endpoint(question=named[0], measure=measures[0])


def _between_in(text: str) -> Between:
    said = (
        between
        for between, pattern in _BETWEEN_IN_WORDS.items()
        if re.search(pattern, text, re.IGNORECASE)
    )
    return next(said, "methods")


def _measures_in(text: str) -> Iterable[Measure]:
    rest = text.lower()
    for measure, pattern in _IN_WORDS:
        found = re.sub(pattern, " ", rest)
        if found != rest:
            yield measure
        rest = found


def multiplicities() -> tuple[str, ...]:
    """Return the ways in which endpoints may share the error."""
    return get_args(Multiplicity)
