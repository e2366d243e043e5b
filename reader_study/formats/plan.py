"""The plan of analysis: checked by a build, kept in plan.json, read by a report."""

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from reader_study.formats import checking
from reader_study.formats.endpoint import ACCURACY as ACCURACY_MEASURES
from reader_study.formats.endpoint import (
    Endpoint,
    Multiplicity,
    multiplicities,
)
from reader_study.formats.protocol import Protocol
from reader_study.formats.questionnaire import Question
from reader_study.formats.sealed import registered_beside, sealed_protocol_beside

FILE_NAME = "plan.json"

_Days = Annotated[checking.Number, Field(ge=0)]
_Proportion = Annotated[checking.Number, Field(ge=0, le=1)]
_Kappa = Annotated[checking.Number, Field(ge=-1, le=1)]


def _primary(given: object) -> object:
    """Take a text as it is, and a table as an endpoint."""
    if isinstance(given, str | Endpoint):
        return given
    if not isinstance(given, dict):
        msg = f"must be a text or a table, got {checking.clipped(given)}"
        raise checking.Invalid(msg)
    for fault in checking.faults_of(Endpoint, given):
        raise checking.Invalid(fault.why, *fault.path)
    return Endpoint(**given)


_Primary = Annotated[str | Endpoint, BeforeValidator(_primary)]


@checking.record
class _TrueAgreement:
    """What the bots of a rehearsal were made to show on one question."""

    agreement: _Proportion
    kappa: _Kappa


@checking.record
class _Planted:
    """What was planted in a rehearsal: by question, and the rehearsal's settings."""

    questions: Mapping[str, _TrueAgreement]
    plan: Mapping[str, Any] = field(default_factory=dict)
    auc: Mapping[Literal["reference", "test"], _Proportion] = field(
        default_factory=dict
    )


@checking.record(kw_only=True)
class AnalysisPlan:
    """What is to be analysed; its defaults are those of the paper's questionnaire.

    The first settings are the study's own and stand at the top of plan.json; those from
    `confidence_level` on are the table `[analysis]` of study.toml. A margin has no
    default: one chosen after the data were seen proves nothing.
    """

    title: checking.Text = ""
    """Title of the study."""

    reference: checking.Filled = "RAPID"
    """Reference method."""

    test: checking.Filled = "MAGIC"
    """Test method."""

    tests: tuple[checking.Filled, ...] = ()
    """Test methods where there are several; each is compared with the reference."""

    allocation: checking.Filled | None = None
    """How cases were allotted to methods and trials, None where not known."""

    order: checking.Filled | None = None
    """Whether readers shared an order of presentation."""

    display: checking.Text = ""
    """What readers saw at a time, empty of one picture."""

    n_readers: checking.Positive | None = None
    """Readers that were planned."""

    n_cases: checking.Positive | None = None
    """Cases that were planned."""

    washout_days: _Days | None = None
    """Least days between the trials."""

    simulated: checking.YesNo = False
    """The readings are a rehearsal's."""

    planted: Mapping[str, tuple[_Proportion, _Kappa]] = field(default_factory=dict)
    """Agreement and kappa that a rehearsal's bots were made to show, by question."""

    planted_auc: Mapping[str, _Proportion] = field(default_factory=dict)
    """AUC that they were made to show, of `reference` and `test`."""

    confidence_level: checking.between(0, 1) = 0.95  # type: ignore[valid-type]
    """Level of all intervals."""

    incomplete_pairs: Literal["exclude", "disagree"] = "exclude"
    """What is done with pairs that lack an answer."""

    non_inferiority_margin: checking.between(0, 1) | None = None  # type: ignore[valid-type]
    """Largest loss in the proportion acceptable that would be accepted, 0 to 1."""

    equivalence_margin: checking.between(0, 0.5) | None = None  # type: ignore[valid-type]
    """How far from 0.5 a balanced accuracy may be and count as chance, 0 to 0.5."""

    turing_question: checking.Text | None = "Q1"
    """Question that asks whether a picture is real, None or empty if none does."""

    acceptability_questions: tuple[checking.Filled, ...] = ("Q2A", "Q2B", "Q2C", "Q2D")
    """Questions that ask whether a picture is acceptable."""

    acceptable_codes: tuple[checking.Code, ...] = (1,)
    """Answers that count as acceptable."""

    ordinal_questions: tuple[checking.Filled, ...] = ("Q3", "Q4")
    """Questions whose answers are steps of a scale."""

    weights: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """Own agreement weights by question: k x k, or k by the steps apart."""

    groups: Mapping[str, Mapping[str, tuple[checking.Code, ...]]] = field(
        default_factory=dict
    )
    """Answers that lead to the same, such as treatment, by question and name."""

    subgroups: tuple[checking.Filled, ...] = ()
    """Columns of responses.csv whose values part the cases or the readers."""

    rating: checking.Text = ""
    """How sure a reading is of disease: a question, or `Q3 > 1 by Q4`; `rating.py` has
    the rules. Empty: accuracy is not analysed."""

    truth_positive: tuple[checking.Code, ...] = ()
    """Values of `truth` that are diseased; empty where they say it themselves."""

    threshold: checking.Number | None = None
    """A rating from here on is a positive call; None for that of the diagnosis."""

    accuracy_margin: checking.between(0, 1) | None = None  # type: ignore[valid-type]
    """Largest loss in accuracy that would be accepted, 0 to 1."""

    primary: _Primary = ""
    """The primary endpoint; in words in earlier studies."""

    endpoints: tuple[Endpoint, ...] = ()
    """The endpoints after the primary one, in their order."""

    multiplicity: Multiplicity = "holm"
    """How they share the error of the study."""

    notes: Mapping[str, Any] = field(default_factory=dict)
    """Anything else worth fixing beforehand; it is kept and never interpreted."""

    prespecified: checking.YesNo = False
    """The plan comes from a study's file, not from these defaults."""

    seal: Literal["none", "holds", "broken"] = "none"
    """Whether the protocol that was sealed before anyone read holds this very plan;
    `none`: nothing tells."""

    protocol_sha256: checking.Text = ""
    """Hash of that protocol, empty where nothing tells."""

    registered: Literal["none", "same", "other"] = "none"
    """Whether the registered text beside the readings names that protocol; `none`:
    there is no text, or no sealed protocol to compare it with."""

    registration_sha256: checking.Text = ""
    """Hash of that text."""

    def __post_init__(self) -> None:
        # Cells of a table are read without the blanks around them.
        object.__setattr__(self, "reference", self.reference.strip())
        object.__setattr__(self, "test", self.test.strip())
        object.__setattr__(self, "tests", tuple(name.strip() for name in self.tests))
        object.__setattr__(self, "turing_question", self.turing_question or None)
        for question, weights in self.weights.items():
            why = _no_weights(weights)
            if why:
                raise checking.Invalid(why, "weights", question)
        for place, endpoint in enumerate(self.endpoints):
            self._require_margin(endpoint, "endpoints", place)
        if isinstance(self.primary, Endpoint):
            self._require_margin(self.primary, "primary")

    def ordered(self, methods: Sequence[str]) -> tuple[str, ...]:
        """Return methods with the reference first, then those planned, then others."""
        planned = (self.reference, *(self.tests or (self.test,)))
        named = [name for name in planned if name in methods]
        return (*named, *(name for name in methods if name not in named))

    def compared_in(self, methods: Sequence[str]) -> tuple[tuple[str, str], ...]:
        """Return which two methods are compared, of those that a study holds.

        The reference is compared with each of `tests`; without them with `test`, and
        where the study holds no such method, with every other one.

        Args:
            methods: Those under which cases were read.
        """
        if self.reference not in methods:
            return ()
        others = [name for name in methods if name != self.reference]
        planned = self.tests or (self.test,)
        found = [name for name in planned if name in others]
        chosen = found if found or self.tests else others
        return tuple((self.reference, name) for name in chosen)

    @property
    def alpha(self) -> float:
        """Error that the plan allows: 1 - its level, whatever a report is asked for."""
        return float(round(1 - self.confidence_level, 12))

    def margin_of(self, endpoint: Endpoint) -> float | None:
        """Return the margin of an endpoint, its own or that of the whole plan."""
        if endpoint.margin is not None:
            return endpoint.margin
        if endpoint.claim == "non_inferior":
            of_accuracy = endpoint.measure in ACCURACY_MEASURES
            return self.accuracy_margin if of_accuracy else self.non_inferiority_margin
        chance = endpoint.claim == "equivalent" and endpoint.measure == "turing"
        return self.equivalence_margin if chance else None

    def own_weights(self, question: Question) -> tuple[tuple[float, ...], ...] | None:
        """Return the plan's agreement weights of a question, if they fit its scale."""
        weights = self.weights.get(question.id, ())
        if len(weights) != len(question.codes):
            return None
        return tuple(map(tuple, weight_matrix(weights)))

    def family(self, questions: Iterable[str]) -> tuple[Endpoint, ...]:
        """Return the endpoints after the primary one.

        A plan that lists none, as those of earlier studies, plans what its margins are
        for: equivalence to chance, and non-inferiority of each acceptability question
        and of the AUC.

        Args:
            questions: Ids of the questionnaire.
        """
        if self.endpoints:
            return self.endpoints
        asked, implied = set(questions), []
        if self.turing_question in asked and self.equivalence_margin is not None:
            of_chance = Endpoint(
                question=str(self.turing_question), measure="turing", claim="equivalent"
            )
            implied.append(of_chance)
        if self.non_inferiority_margin is not None:
            implied += [
                Endpoint(question=name, measure="acceptability", claim="non_inferior")
                for name in self.acceptability_questions
                if name in asked
            ]
        rated = self.rated_question(asked)
        if self.accuracy_margin is not None and rated:
            implied.append(
                Endpoint(question=rated, measure="auc", claim="non_inferior")
            )
        return tuple(one for one in implied if one != self.primary)

    def rated_question(self, questions: Iterable[str]) -> str | None:
        """Return the question that the rating names first, None where it names none."""
        named = {
            found.start(): question
            for question in questions
            if (found := re.search(rf"(?<!\w){re.escape(question)}(?!\w)", self.rating))
        }
        return named[min(named)] if named else None

    def _require_margin(self, endpoint: Endpoint, *path: str | int) -> None:
        needed = endpoint.claim in {"non_inferior", "equivalent"}
        if needed and self.margin_of(endpoint) is None:
            why = f"must be given where the claim is {endpoint.claim}, got nothing"
            raise checking.Invalid(why, *path, "margin")


_MEASURES: Mapping[str, str] = {
    "agreement": "the share of pairs with the same answer to {}",
    "kappa": "Cohen's kappa of {}",
    "weighted_kappa": "weighted kappa of {}",
    "ac1": "Gwet's AC1 of {}",
    "acceptability": "the difference of shares acceptable by {} (test - reference)",
    "turing": "the balanced accuracy of telling the methods apart by {}",
    "shift": "the mean steps along the scale of {} (test - reference)",
    "share_acceptable": "the share acceptable by {}",
    "auc": "the difference of AUCs by {} (test - reference)",
    "sensitivity": "the difference of sensitivities by {} (test - reference)",
    "specificity": "the difference of specificities by {} (test - reference)",
    "preferred": "the share in which the test is put before the reference by {}",
    "found": "the share in which the reference is found by {}",
}
"""What is estimated of a question; a measure not named here stands by its own name."""

_CHANCE: Mapping[str, str] = {
    "turing": "0.5",
    "preferred": "0.5",
    "found": "chance, 1 in as many pictures as are shown",
}
"""What an estimate is if nothing is told apart; 0 of all others."""

_BETWEEN: Mapping[str, str] = {
    "readers": "between two readers under one method",
    "readings": "of a reader's first and second reading",
}


def in_words(endpoint: Endpoint, plan: AnalysisPlan) -> str:
    """Return an endpoint as a sentence that readings can answer."""
    measure = _MEASURES.get(endpoint.measure, f"{endpoint.measure} of {{}}")
    of = measure.format(endpoint.question)
    if endpoint.between != "methods":
        of += f" {_BETWEEN[endpoint.between]}"
    if endpoint.method:
        of += f" under {endpoint.method}"
    level, margin = f"{100 * plan.confidence_level:g} %", plan.margin_of(endpoint)
    chance = _CHANCE.get(endpoint.measure, "0")
    if endpoint.claim == "at_least":
        return f"The lower {level} limit of {of} lies above {endpoint.above:g}."
    if endpoint.claim == "non_inferior":
        return f"The lower {level} limit of {of} lies above -{margin:g}."
    if endpoint.claim == "equivalent":
        inner = f"{100 * (1 - 2 * plan.alpha):g} %"
        return f"The {inner} interval of {of} lies within {margin:g} of {chance}."
    if endpoint.claim == "differs":
        return f"The {level} interval of {of} does not hold {chance}."
    return f"No hypothesis: {of} is estimated with its {level} interval."


def weight_matrix(weights: Sequence[Any]) -> list[list[float]]:
    """Return own agreement weights as a matrix.

    Examples:
        >>> weight_matrix([1, 0.5, 0])
        [[1.0, 0.5, 0.0], [0.5, 1.0, 0.5], [0.0, 0.5, 1.0]]
    """
    if isinstance(weights[0], list | tuple):
        return [[float(weight) for weight in row] for row in weights]
    places = range(len(weights))
    return [[float(weights[abs(i - j)]) for j in places] for i in places]


def _no_weights(weights: Sequence[Any]) -> str | None:
    """Return why these are no agreement weights, None if they are."""
    wrong = "must be k lists of k numbers of 0 to 1, or k numbers by steps apart, got "
    try:
        matrix = weight_matrix(weights)
    except (IndexError, TypeError, ValueError):
        return wrong + checking.clipped(weights)
    rows_fit = len(matrix) > 1 and all(len(row) == len(matrix) for row in matrix)
    if not rows_fit or not all(0 <= weight <= 1 for row in matrix for weight in row):
        return wrong + checking.clipped(weights)
    own = [row[place] for place, row in enumerate(matrix)]
    if set(own) != {1.0}:
        return f"must be 1 where the answers are the same, got {own}"
    return None


_FIELDS = [f.name for f in dataclasses.fields(AnalysisPlan)]
_OWN = tuple(_FIELDS[: _FIELDS.index("confidence_level")])
_LAST = _FIELDS.index("prespecified")
KEYS = tuple(_FIELDS[_FIELDS.index("confidence_level") : _LAST])
"""Settings of the table `[analysis]`."""

ACCURACY = ("rating", "truth_positive", "threshold", "accuracy_margin")
"""Those of them about accuracy."""


def read_plan(path: str | Path) -> AnalysisPlan:
    """Read plan.json; what it leaves out keeps its default.

    What the study says of itself is taken from the top of the file only, so that
    nothing in the table `analysis` can replace it. Entries not known here are ignored.

    Raises:
        FormatError: If it cannot be read or used; all faults are named, with file and
            line.
    """
    source = checking.read_json(path)
    content = checking.require_object(source)
    table = content.get("analysis") or {}
    if not isinstance(table, dict):
        why = f"must be an object, got {checking.clipped(table)}"
        raise source.error([checking.Fault(("analysis",), why)])
    values = {name: content[name] for name in (*_OWN, *KEYS) if name in content}
    values |= {name: table[name] for name in KEYS if name in table}
    values = {n: value for n, value in values.items() if not _free(n, value, values)}

    def path_of(where: checking.Path_) -> checking.Path_:
        return ("analysis", *where) if where and where[0] in table else where

    planted = values.pop("planted", None)
    faults = [] if planted is None else checking.faults_of(_Planted, planted)
    found = [checking.Fault(("planted", *fault.path), fault.why) for fault in faults]
    if planted is not None and not faults:
        values["planted"] = {
            name: (of["agreement"], of["kappa"])
            for name, of in planted["questions"].items()
        }
        values["planted_auc"] = planted.get("auc", {})
    values["prespecified"] = True
    found += [
        checking.Fault(path_of(f.path), f.why)
        for f in checking.faults_of(AnalysisPlan, values)
    ]
    if found:
        raise source.error(found)
    return AnalysisPlan(**values)


_NEVER_AMENDED = (
    "title", "reference", "test", "allocation", "order", "display", "n_cases",
)  # fmt: skip
"""What plan.json repeats of the protocol and no amendment may change."""


def _free(name: str, value: object, values: Mapping[str, Any]) -> bool:
    """Whether a value is one of an earlier study, whose plan had any keys."""
    if name == "primary":
        table = isinstance(value, dict) and {"question", "measure"} & set(value)
        return not (isinstance(value, str) or table)
    if name == "notes":
        return not isinstance(value, dict)
    if name in ACCURACY:
        return not isinstance(values.get("rating"), str)
    listed = values.get("endpoints")
    tables = isinstance(listed, list) and all(isinstance(e, dict) for e in listed)
    if name == "endpoints":
        return not tables
    return name == "multiplicity" and not tables and value not in multiplicities()


def plan_beside(responses: str | Path) -> AnalysisPlan:
    """Return the plan in the folder of responses.csv, or the paper's without margins.

    Raises:
        FormatError: If there is one that cannot be used.
    """
    path = Path(responses).with_name(FILE_NAME)
    if not path.exists():
        return AnalysisPlan()
    plan, sealed = read_plan(path), sealed_protocol_beside(path)
    if sealed is None:
        return plan
    content = checking.read_json(path).content
    fixed = {"title": sealed.title, **_of_design(sealed)}
    del fixed["n_readers"]  # may be amended
    same = (content.get("analysis") or {}) == sealed.analysis and all(
        content.get(name) == fixed.get(name) for name in (*_NEVER_AMENDED, "tests")
    )
    seal: Literal["holds", "broken"] = "holds" if same else "broken"
    plan = dataclasses.replace(plan, seal=seal, protocol_sha256=sealed.sha256)
    text = registered_beside(path)
    if text is None:
        return plan
    return dataclasses.replace(
        plan,
        registered="same" if text.protocol_sha256 == sealed.sha256 else "other",
        registration_sha256=text.text_sha256,
    )


def _of_design(protocol: Protocol) -> dict[str, Any]:
    """Return what plan.json repeats of the design."""
    reference, *others = protocol.methods
    found: dict[str, Any] = {"reference": reference}
    if others:
        found["test"] = others[0]
    if len(others) > 1:
        found["tests"] = others
    layout = protocol.layout
    found["allocation"] = layout.allocation if layout else protocol.allocation
    found["order"] = layout.order if layout else protocol.order
    found["n_readers"] = protocol.n_readers
    if protocol.n_cases:
        found["n_cases"] = protocol.n_cases
    if layout:
        found["design"] = layout.given()
        if layout.display != "one picture":
            found["display"] = layout.display
    return found


def plan_json(
    protocol: Protocol, study_id: str, *, simulated: bool, planted: object
) -> str:
    """Return the text of plan.json, which names the methods.

    Args:
        protocol: Of the study, as amended.
        study_id: Of the manifest.
        simulated: Whether bots have read.
        planted: What they were made to show, if it is known.
    """
    return checking.json_text(
        {
            "schema": 1,
            "study_id": study_id,
            "title": protocol.title,
            **_of_design(protocol),
            "washout_days": protocol.least_washout,
            "corrections": protocol.corrections,
            "roles": list(protocol.roles),
            "analysis": dict(protocol.analysis),
            "simulated": simulated,
            "planted": planted,
        }
    )
