"""How sure a reading is that a case is diseased, beside the truth of the case.

What `analysis` calls: `rated(readings, questionnaire, plan)` turns the readings of
responses.csv into the columns `reader`, `case`, `modality`, `truth` (0 or 1) and
`rating`, which `analysis.multireader_accuracy` takes, and says in sentences what was
left out and why. `parse_rating` and `is_positive` are the two rules in it: of the
plan's `rating`, and of its `truth_positive`.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reader_study.errors import counted
from reader_study.formats.checking import Code, FormatError, Invalid, clipped
from reader_study.formats.plan import AnalysisPlan
from reader_study.formats.questionnaire import Question, Questionnaire
from reader_study.formats.responses import Reading
from reader_study.formats.spellings import whole_number

COLUMNS = ("reader", "case", "modality", "truth", "rating")

_SIGNED = re.compile(r"(\S+?)\s*([<>])\s*([+-]?\d+(?:\.\d+)?)\s+by\s+(\S+)")
_NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?")
_MOST_NAMED = 10

_NEGATIVE = frozenset({"0", "no", "false", "negative", "absent", "healthy", "none"})
_POSITIVE = frozenset({"1", "yes", "true", "positive", "present", "diseased"})
"""Two values of truth that need no `truth_positive`: one of each."""


@dataclass(frozen=True)
class Rating:
    """How answers become a rating: a number, higher if more surely diseased.

    Attributes:
        text: As the plan has it, such as `Q4` or `Q3 > 1 by Q4`.
        names: Questions that it takes, or the one column of numbers.
        table: Rating by the codes of these questions; empty for a column of numbers.
        diagnosis: Ratings from here on are a diagnosis of disease; None where the
            rating holds no diagnosis.
        limits: Least and greatest number, of a question that is answered by one; None
            of others.
    """

    text: str
    names: tuple[str, ...]
    table: Mapping[tuple[Code, ...], float] = field(default_factory=dict)
    diagnosis: float | None = None
    limits: tuple[float, float] | None = None

    @property
    def scale(self) -> tuple[float, ...]:
        """Ratings that there may be, from low to high; empty for any number."""
        return tuple(sorted(set(self.table.values())))

    @property
    def ends(self) -> tuple[float, float]:
        """The lowest and the highest rating; without end of a column of numbers."""
        if self.limits is not None:
            return self.limits
        scale = self.scale
        return (scale[0], scale[-1]) if scale else (-math.inf, math.inf)

    def value(self, answers: Mapping[str, Any]) -> float | None:
        """Return the rating that answers make; None where one of them is missing.

        Args:
            answers: Codes by question, or numbers by column.

        Raises:
            FormatError: If an answer is not on its scale, or no number.

        Examples:
            >>> from reader_study.formats.questionnaire import paper_questionnaire
            >>> signed = parse_rating("Q3 > 1 by Q4", paper_questionnaire())
            >>> signed.value({"Q3": 1, "Q4": 5}), signed.value({"Q3": 2, "Q4": 1})
            (1.0, 6.0)
        """
        given: tuple[Any, ...] = tuple(answers.get(name) for name in self.names)
        if any(one is None or str(one) == "nan" for one in given):
            return None
        found = self.table.get(given) if self.table else _number(given[0])
        if found is None:
            shown = clipped(given[0] if len(given) == 1 else given)
            what = "on the scale of" if self.table else "a number in"
            msg = f"A rating must be {what} {' and '.join(self.names)}, got {shown}"
            raise FormatError([msg])
        return found


def parse_rating(
    text: str, questionnaire: Questionnaire, columns: Collection[str] = ()
) -> Rating:
    """Return what a plan's `rating` means.

    - `Q4`: the code of an answer; steps 1, 2, ... in the order of the scale where codes
      are texts.
    - `Q3 > 1 by Q4` (or `<`): a signed confidence. The diagnosis is positive where Q3
      is more than 1; Q4 gives its size. With k steps of confidence the rating goes from
      1, negative and surest, by k, negative and least sure, and k + 1, positive and
      least sure, to 2 k, positive and surest.
    - the name of a question that is answered by a number, or on a line from 0 to 100:
      that number.
    - the name of another column of responses.csv, which holds numbers.

    Args:
        text: Of the plan.
        questionnaire: What is asked.
        columns: Other columns that there are.

    Raises:
        FormatError: If it is none of these.

    Examples:
        >>> from reader_study.formats.questionnaire import paper_questionnaire
        >>> parse_rating("Q3 > 1 by Q4", paper_questionnaire()).diagnosis
        6.0
    """
    try:
        return _parsed(text, questionnaire, columns)
    except Invalid as error:
        raise FormatError([f"rating {error.why}"]) from None


def rating_fault(text: str, questionnaire: Questionnaire) -> str | None:
    """Return why a rating cannot be made of a questionnaire's answers, else None."""
    try:
        _parsed(text, questionnaire, ())
    except Invalid as error:
        return error.why
    return None


def _parsed(text: str, asked: Questionnaire, columns: Collection[str]) -> Rating:
    questions = {question.id: question for question in asked}
    name = text.strip()
    signed = _SIGNED.fullmatch(name)
    if signed:
        return _of_two(name, signed.groups(), questions)
    question = questions.get(name)
    if question is not None and question.on_scale:
        of_codes: dict[tuple[Code, ...], float] = {
            (code,): n for code, n in _numbers(question).items()
        }
        return Rating(name, (name,), of_codes)
    if question is not None and question.numeric:
        low, high, _ = question.limits
        return Rating(name, (name,), limits=(low, high))
    if name in columns:
        return Rating(name, (name,))
    on_scale = ", ".join(one.id for one in asked if one.on_scale)
    numbers = ", ".join(one.id for one in asked if one.numeric)
    why = (
        "must be a question, such as 'Q4', or a signed confidence, such as 'Q3 > 1 by "
        f"Q4', of the questions {on_scale}{f', or a number, {numbers}' * bool(numbers)}"
        f", got {clipped(text)}{_type_of(question)}"
    )
    raise Invalid(why)


def _type_of(question: Question | None) -> str:
    """Return what a question that cannot be used is, as the rest of a sentence."""
    return "" if question is None else f", which has type {question.type}"


def _of_two(
    name: str, parts: tuple[str | Any, ...], every: Mapping[str, Question]
) -> Rating:
    diagnosis, sign, cut, confidence = parts
    questions = {name: one for name, one in every.items() if one.on_scale}
    for one in (diagnosis, confidence):
        if one not in questions:
            why = (
                f"must be of the questions {', '.join(questions)}, got {one!r}"
                f"{_type_of(every.get(one))}"
            )
            raise Invalid(why)
    if diagnosis == confidence:
        why = f"must take diagnosis and confidence of two questions, got {name!r}"
        raise Invalid(why)
    pair = (questions[diagnosis], questions[confidence])
    return _signed(name, pair, sign, float(cut))


def _signed(
    text: str, questions: tuple[Question, Question], sign: str, cut: float
) -> Rating:
    diagnosis, confidence = map(_numbers, questions)
    above = {c: (n > cut if sign == ">" else n < cut) for c, n in diagnosis.items()}
    if len(set(above.values())) < 2:
        scale = ", ".join(f"{n:g}" for n in diagnosis.values())
        why = f"must part the answers {scale} of {questions[0].id} in two, got {text!r}"
        raise Invalid(why)
    surer = sorted(confidence, key=lambda code: confidence[code])
    steps = {code: step for step, code in enumerate(surer, 1)}
    k = len(steps)
    table: dict[tuple[Code, ...], float] = {
        (code, by): float(k + step if positive else k + 1 - step)
        for code, positive in above.items()
        for by, step in steps.items()
    }
    return Rating(text, (questions[0].id, questions[1].id), table, float(k + 1))


def _numbers(question: Question) -> dict[Code, float]:
    """Return the codes of a question as numbers; its steps where some are texts."""
    if any(isinstance(code, str) for code in question.codes):
        return {code: float(n) for n, code in enumerate(question.codes, 1)}
    return {code: float(code) for code in question.codes}


def _number(given: object) -> float | None:
    if isinstance(given, str):
        text = given.strip()
        if not _NUMBER.fullmatch(text):
            return None
        given = text.replace(",", ".")
    try:
        number = float(given)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


# -- Truth


def is_positive(truth: object, truth_positive: Collection[object]) -> bool:
    """Return whether a value of truth is one of those that are diseased.

    Texts count without regard to case and outer blanks, whole numbers in any spelling.

    Examples:
        >>> is_positive("Severe ", ["severe"]), is_positive("2.0", [1, 2])
        (True, True)
    """
    return _plain(truth) in {_plain(value) for value in truth_positive}


def diseased_values(
    values: Iterable[object], truth_positive: Collection[object] = ()
) -> tuple[str, ...]:
    """Return which of the values of truth are diseased, each as it is first spelled.

    Without `truth_positive` there must be two values at most that say it themselves: 0
    and 1, no and yes, false and true, negative and positive, absent and present,
    healthy (or none) and diseased.

    Args:
        values: Truth of the cases.
        truth_positive: Of the plan.

    Raises:
        FormatError: If nothing tells which values are diseased; the values are named.

    Examples:
        >>> diseased_values(["none", "mild", "severe"], ["mild", "severe"])
        ('mild', 'severe')
        >>> diseased_values([0, 1, 1])
        ('1',)
    """
    different: dict[str, str] = {}
    for value in values:
        different.setdefault(_plain(value), str(value).strip())
    if truth_positive:
        named = {_plain(value) for value in truth_positive}
        return tuple(text for key, text in different.items() if key in named)
    sides = [different.keys() & side for side in (_NEGATIVE, _POSITIVE)]
    if different.keys() - sides[0] - sides[1] or max(map(len, sides)) > 1:
        shown = ", ".join(map(repr, list(different.values())[:_MOST_NAMED]))
        more = ", ..." if len(different) > _MOST_NAMED else ""
        msg = (
            "truth_positive must say which values of truth are diseased where truth "
            f"has the {counted(len(different), 'value')} {shown}{more}, got nothing"
        )
        raise FormatError([msg])
    return tuple(different[key] for key in sides[1])


def _plain(value: object) -> str:
    text = unicodedata.normalize("NFKC", str(value)).casefold()
    number = whole_number(text.strip())
    return " ".join(text.split()) if number is None else str(number)


# -- Readings


@dataclass(frozen=True)
class Rated:
    """Ratings beside the truth, and what is not among them.

    Attributes:
        columns: `reader`, `case`, `modality` (the method), `truth` (1 diseased, 0 not)
            and `rating`, all as long: what `analysis.multireader_accuracy` takes.
        rating: How answers became a rating; None where the plan names none.
        threshold: A rating from here on is a positive call: that of the plan, else that
            of the diagnosis; None where there is neither.
        positive: Values of truth that are diseased.
        negative: Values that are not.
        sources: What the truth comes from, each once.
        notes: What was left out and why, a sentence each.
        undefined_reason: Why there are no ratings; None if there are.
    """

    columns: Mapping[str, Sequence[Any]]
    rating: Rating | None = None
    threshold: float | None = None
    positive: tuple[str, ...] = ()
    negative: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    undefined_reason: str | None = None

    @property
    def n_cases(self) -> tuple[int, int]:
        """Cases among the ratings: diseased, and not."""
        truth = dict(zip(self.columns["case"], self.columns["truth"], strict=True))
        diseased = sum(truth.values())
        return diseased, len(truth) - diseased


def rated(
    readings: Sequence[Reading], questionnaire: Questionnaire, plan: AnalysisPlan
) -> Rated:
    """Return the ratings of readings beside the truth of their cases.

    Args:
        readings: First readings, of any number of methods: `Responses.readings`, or
            `Parsed.first`.
        questionnaire: What was asked.
        plan: With `rating`, `truth_positive` and `threshold`.

    Raises:
        FormatError: If the rating is none of the questionnaire or of a column, a cell
            of that column is no number, a case has two truths, or nothing tells which
            values of truth are diseased. What is usable and lacks only ratings is
            returned with its reason.
    """
    if not plan.rating:
        return _nothing("the plan names no rating")
    rating = parse_rating(
        plan.rating, questionnaire, {name for r in readings for name in r.columns}
    )
    truth = _truth_by_case(readings)
    if not truth:
        return _nothing("no case has a truth", rating)
    positive = diseased_values(truth.values(), plan.truth_positive)
    with_truth = [reading for reading in readings if reading.case in truth]
    values = _values(with_truth, rating)
    rows = [
        (r.reader, r.case, r.method, int(is_positive(truth[r.case], positive)), value)
        for r, value in zip(with_truth, values, strict=True)
        if value is not None
    ]
    others = {_plain(v): v for v in truth.values() if not is_positive(v, positive)}
    columns = [[row[place] for row in rows] for place in range(len(COLUMNS))]
    return Rated(
        dict(zip(COLUMNS, columns, strict=True)),
        rating,
        rating.diagnosis if plan.threshold is None else plan.threshold,
        positive,
        tuple(others.values()),
        tuple(dict.fromkeys(r.truth_source for r in with_truth if r.truth_source)),
        (
            *_without_truth(readings, truth),
            *_without_rating(with_truth, values, rating),
            *_unused(plan.truth_positive, positive),
        ),
        None if rows else "no reading of a case with a truth has a rating",
    )


def _unused(named: Iterable[object], positive: Sequence[str]) -> Iterable[str]:
    for value in named:
        if not is_positive(value, positive):
            yield (
                f"truth_positive names {clipped(value)}, which is the truth of no case"
            )


def _nothing(reason: str, rating: Rating | None = None) -> Rated:
    return Rated({name: [] for name in COLUMNS}, rating, undefined_reason=reason)


def _truth_by_case(readings: Iterable[Reading]) -> dict[str, str]:
    """Return the truth of each case that has one.

    Raises:
        FormatError: If a case has two.
    """
    found: dict[str, str] = {}
    faults: dict[str, str] = {}
    for reading in readings:
        if reading.truth is None:
            continue
        known = found.setdefault(reading.case, reading.truth)
        if _plain(known) != _plain(reading.truth):
            fault = (
                f"line {reading.line}: truth of case {reading.case} must be one value, "
                f"got {known!r} and {reading.truth!r}"
            )
            faults.setdefault(reading.case, fault)
    if faults:
        raise FormatError(list(faults.values()))
    return found


def _values(readings: Iterable[Reading], rating: Rating) -> list[float | None]:
    faults, values = [], []
    for reading in readings:
        answers: Mapping[str, Any] = reading.answers
        if not rating.table and rating.limits is None:
            answers = {name: reading.column(name) for name in rating.names}
        try:
            values.append(rating.value(answers))
        except FormatError as error:
            faults.append(f"line {reading.line}: {error}")
    if faults:
        raise FormatError(faults)
    return values


def _without_truth(
    readings: Sequence[Reading], truth: Mapping[str, str]
) -> Iterable[str]:
    gone = Counter(reading.case for reading in readings if reading.case not in truth)
    if gone:
        named = ", ".join(list(gone)[:_MOST_NAMED])
        more = ", ..." if len(gone) > _MOST_NAMED else ""
        yield (
            f"{counted(len(gone), 'case')} without a truth left out, with "
            f"{counted(sum(gone.values()), 'reading')}: {named}{more}"
        )


def _without_rating(
    readings: Sequence[Reading], values: Sequence[float | None], rating: Rating
) -> Iterable[str]:
    gone = Counter(
        reading.method
        for reading, value in zip(readings, values, strict=True)
        if value is None
    )
    if gone:
        where = ", ".join(f"{n} of {method}" for method, n in gone.items())
        yield (
            f"{counted(sum(gone.values()), 'reading')} without an answer to "
            f"{' and '.join(rating.names)} left out: {where}"
        )
