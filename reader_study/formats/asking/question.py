"""One question: its type, its valid answers, and how they are written and read."""

import math
import re
from collections.abc import Sequence
from decimal import Decimal
from functools import cached_property
from itertools import permutations
from typing import Any, Literal

from reader_study.formats import checking
from reader_study.formats.asking.marks import MOST_MARKS, Rules, Shape, words_of
from reader_study.formats.checking import Code
from reader_study.formats.showing.display import (
    LETTERS,
    MOST_RANKED,
    ORDER,
    TIE,
    letter_of,
)

Answer = float | str
"""An answer as it is stored: a code, a number, a text, or several codes as one text."""

SEPARATOR = "|"
"""What stands between the codes of an answer to a question of several."""

Type = Literal[
    "choice", "ordered", "several", "number", "analogue", "text", "long_text",
    "which", "rank", "marks",
]  # fmt: skip
"""One of a scale; one of a scale whose steps are in order; several of a scale; a number
of a range; a mark on a line from 0 to 100; a line of text; a longer text; one of the
pictures shown at once; all of them in order; points and boxes on the picture."""

_LENGTHS = {"text": 200, "long_text": 4000}
_USUAL_MARKS = 20
_MOST_CONFIDENCE = 100  # steps: each is an entry of a list
_LONGEST_LABEL = 60
_MOST_STEPS = 1_000_000
_LEAST_STEP = 1e-6
_KEYS: dict[str, tuple[str, ...]] = {
    "choice": ("scale",),
    "ordered": ("scale",),
    "several": ("scale",),
    "number": ("range", "step", "unit"),
    "analogue": ("ends",),
    "text": ("longest",),
    "long_text": ("longest",),
    "which": ("pictures", "tie"),
    "rank": ("pictures",),
    "marks": ("shapes", "mark_labels", "confidence", "at_most"),
}
"""Settings that belong to a type."""
_NEEDED = frozenset({"scale", "range", "step", "pictures"})
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_PART = re.compile(r"[A-Za-z0-9_-]+")
_DEFAULTS: dict[str, object] = {
    "scale": (), "range": None, "step": None, "unit": "", "ends": None, "longest": None,
    "pictures": None, "tie": "", "shapes": ("point",), "mark_labels": (),
    "confidence": None, "at_most": None,
}  # fmt: skip
_LAST = (
    "unit", "longest", "pictures", "tie", "ends", "shapes", "mark_labels", "confidence",
    "at_most",
)  # fmt: skip
"""Settings as they end a question in questionnaire.json."""


@checking.record
class Choice:
    """One step of an answer scale.

    Attributes:
        code: What is stored: a whole number, or a text.
        label: What the reader sees.
        requires_reason: Whether this answer asks for a short explanation.
    """

    code: Code
    label: checking.Filled
    requires_reason: checking.YesNo = False


@checking.record
class Condition:
    """What an earlier question must have been answered by.

    Attributes:
        question: Id of the earlier question.
        codes: One of these was chosen.
        at_least: The number was this or more.
        at_most: The number was this or less.
    """

    question: checking.Filled
    codes: tuple[Code, ...] = ()
    at_least: checking.Number | None = None
    at_most: checking.Number | None = None

    def __post_init__(self) -> None:
        limits = [n for n in (self.at_least, self.at_most) if n is not None]
        if bool(self.codes) == bool(limits):
            why = "must have either codes, or at_least and at_most or one of them"
            raise checking.Invalid(why)
        if limits != sorted(limits):
            why = f"must be {limits[0]:g} or more, got {limits[1]:g}"
            raise checking.Invalid(why, "at_most")

    def holds(self, question: "Question", answer: Answer | None) -> bool:
        """Whether an answer to the earlier question, None if none, meets it."""
        if answer is None:
            return False
        if self.codes:
            return any(choice.code in self.codes for choice in question.chosen(answer))
        low = -math.inf if self.at_least is None else self.at_least
        high = math.inf if self.at_most is None else self.at_most
        return isinstance(answer, int | float) and low <= answer <= high

    def fault(self, question: "Question") -> checking.Fault | None:
        """Return why it cannot be about a question, None if it can."""
        if question.type in {*_LENGTHS, "marks"}:
            why = f"must be a question with codes or a number, got {question.id!r}"
            return checking.Fault(("question",), why)
        if bool(self.codes) != bool(question.scale):
            needed = "codes" if question.scale else "at_least or at_most"
            why = f"must be given for {question.id}, got nothing"
            return checking.Fault((), f"{needed} {why}")
        wrong = [code for code in self.codes if question.choice(code) is None]
        if wrong:
            why = f"must be codes of {question.id}, got {wrong[0]!r}"
            return checking.Fault(("codes",), why)
        return None

    def to_dict(self) -> dict[str, Any]:
        """Return the content as plain values."""
        found: dict[str, Any] = {"question": self.question}
        if self.codes:
            found["codes"] = list(self.codes)
        limits = {"at_least": self.at_least, "at_most": self.at_most}
        return found | {k: _number(n) for k, n in limits.items() if n is not None}


@checking.record
class Question:
    """A question of any type; choices are in the order of the scale.

    Attributes:
        id: Short name, which is its column in responses.csv.
        text: As the reader sees it.
        scale: Two or more choices with different codes, where it has codes.
        type: How it is answered.
        required: Whether it must be answered when it is asked.
        shown_if: It is asked if all of these hold; always where there are none.
        range: Least and greatest number.
        step: Between the numbers that may be given.
        unit: Of the number; may be empty.
        ends: What 0 and 100 of a line mean.
        longest: Characters of a text, at most.
        pictures: How many are shown at once; their letters are the scale then.
        tie: What says that none of two pictures comes first; empty: one must.
        shapes: What may be drawn on the picture.
        mark_labels: What a mark may be called; if there are any, each is called one.
        confidence: Least and greatest whole number that says how sure the reader is of
            a mark, if that is asked.
        at_most: Number of marks.
    """

    id: checking.Filled
    text: checking.Filled
    scale: tuple[Choice, ...] = ()
    type: Type = "choice"
    required: checking.YesNo = True
    shown_if: tuple[Condition, ...] = ()
    range: tuple[checking.Number, checking.Number] | None = None
    step: checking.Number | None = None
    unit: checking.Text = ""
    ends: tuple[checking.Filled, checking.Filled] | None = None
    longest: checking.Positive | None = None
    pictures: checking.Positive | None = None
    tie: checking.Text = ""
    shapes: tuple[Shape, ...] = ("point",)
    mark_labels: tuple[checking.Filled, ...] = ()
    confidence: tuple[checking.Whole, checking.Whole] | None = None
    at_most: checking.Positive | None = None

    def __post_init__(self) -> None:
        if self.of_display and self.pictures is not None:
            self._check_pictures(self.pictures)
            if self.scale == self._letters():  # as of a copy
                object.__setattr__(self, "scale", ())
        if not _ID.fullmatch(self.id):  # it names columns and files
            why = f"must be letters, digits, - and _, got {self.id!r}"
            raise checking.Invalid(why, "id")
        self._check_keys()
        if "scale" in _KEYS[self.type]:
            self._check_scale()
        if self.of_display:
            object.__setattr__(self, "scale", self._letters())
        self._check_limits()

    def _check_limits(self) -> None:
        if self.range is not None and self.step is not None:
            _check_range(*self.range, self.step)
        most = _LENGTHS["long_text"]
        if self.longest is not None and self.longest > most:
            why = f"must be {most} or less, got {self.longest}"
            raise checking.Invalid(why, "longest")
        if self.type == "marks":
            self._check_marks()

    def _check_keys(self) -> None:
        for key, default in _DEFAULTS.items():
            given = getattr(self, key) != default
            if given and key not in _KEYS[self.type]:
                why = f"must be left out of a question of type {self.type}"
                raise checking.Invalid(why, key)
            if not given and key in _NEEDED and key in _KEYS[self.type]:
                why = "must be given, got nothing"
                if key == "scale":
                    why = "must have two or more choices, got 0"
                raise checking.Invalid(why, key)

    def _check_pictures(self, pictures: int) -> None:
        most = len(LETTERS) if self.type == "which" else MOST_RANKED
        if not 2 <= pictures <= most:
            why = f"must be 2 to {most} of type {self.type}, got {pictures}"
            raise checking.Invalid(why, "pictures")
        if self.tie and self.type == "which" and pictures > 2:
            why = f"must be left out of more than two pictures, got {self.tie!r}"
            raise checking.Invalid(why, "tie")

    def _check_marks(self) -> None:
        for key in ("shapes", "mark_labels"):
            given = getattr(self, key)
            if len(set(given)) != len(given) or (key == "shapes" and not given):
                why = f"must be different and one or more, got {list(given)}"
                raise checking.Invalid(why, key)
        for place, label in enumerate(self.mark_labels):
            if len(label) > _LONGEST_LABEL or not label.isprintable():
                why = (
                    f"must be a line of at most {_LONGEST_LABEL} characters, "
                    f"got {label!r:.80}"
                )
                raise checking.Invalid(why, "mark_labels", place)
        low, high = self.confidence or (0, 1)
        if not (low < high <= low + _MOST_CONFIDENCE and abs(low) <= _MOST_STEPS):
            why = (
                "must be two whole numbers, the lesser first and at most "
                f"{_MOST_CONFIDENCE} apart, got [{low}, {high}]"
            )
            raise checking.Invalid(why, "confidence")
        if self.at_most is not None and self.at_most > MOST_MARKS:
            why = f"must be {MOST_MARKS} or less, got {self.at_most}"
            raise checking.Invalid(why, "at_most")

    def _letters(self) -> tuple[Choice, ...]:
        """Return the scale of a question about pictures: their places from 1 on.

        A place as one code, 0 of a tie, or places from the best to the worst as digits.
        """
        places = range(1, (self.pictures or 0) + 1)
        if self.type == "rank":
            return tuple(
                Choice(int("".join(map(str, one))), ", ".join(map(letter_of, one)))
                for one in permutations(places)
            )
        tie = (Choice(0, self.tie),) if self.tie else ()
        return (*(Choice(place, letter_of(place)) for place in places), *tie)

    def _check_scale(self) -> None:
        if len(self.scale) < 2:
            why = f"must have two or more choices, got {len(self.scale)}"
            raise checking.Invalid(why, "scale")
        codes = [str(code) for code in self.codes]
        if len(set(codes)) != len(codes):
            msg = f"must have different codes, got {self.codes}"
            raise checking.Invalid(msg, "scale")
        if self.type != "several":
            return
        for place, code in enumerate(codes):
            if not _PART.fullmatch(code):  # it stands in a column's name
                why = f"must be letters, digits, - and _, got {code!r}"
                raise checking.Invalid(why, "scale", place, "code")

    @staticmethod
    def of(
        name: str,
        text: str,
        codes: tuple[int | str, ...],
        labels: tuple[str, ...] | None = None,
    ) -> "Question":
        """Return a question from codes and, unless they are the codes, labels."""
        named = labels or tuple(str(code) for code in codes)
        scale = tuple(map(Choice, codes, named))
        return Question(name, text, scale)

    @property
    def on_scale(self) -> bool:
        """Whether exactly one code answers it, as tables of agreement need."""
        return self.type in {"choice", "ordered"} or self.of_display

    @property
    def of_display(self) -> bool:
        """Whether it is about the pictures that are shown at once."""
        return self.type in {"which", "rank"}

    def methods_of(self, answer: object, shown: Sequence[str]) -> str:
        """Return an answer about pictures as the methods that made them.

        Args:
            answer: As it is stored.
            shown: Methods from the left.

        Examples:
            >>> best = Question("Q1", "Best first?", type="rank", pictures=3)
            >>> best.methods_of(213, ["GAN", "real", "flow"])
            'real > GAN > flow'
        """
        places = [int(digit) for digit in str(answer)]
        if places == [0]:
            return TIE
        return ORDER.join(shown[place - 1] for place in places)

    @property
    def numeric(self) -> bool:
        """Whether a number answers it that is no code."""
        return self.type in {"number", "analogue"}

    @property
    def textual(self) -> bool:
        """Whether the reader's own words answer it."""
        return self.type in _LENGTHS

    @property
    def marked(self) -> bool:
        """Whether marks on the picture answer it."""
        return self.type == "marks"

    @property
    def rules(self) -> Rules:
        """What its marks may be."""
        most = self.at_most or _USUAL_MARKS
        return Rules(self.shapes, self.mark_labels, self.confidence, most)

    @cached_property
    def codes(self) -> tuple[int | str, ...]:
        """Codes in the order of the scale; none where it has no scale."""
        return tuple(choice.code for choice in self.scale)

    @property
    def labels(self) -> tuple[str, ...]:
        """What each code means, in the order of the scale."""
        return tuple(choice.label for choice in self.scale)

    @property
    def reason_codes(self) -> frozenset[int | str]:
        """Codes that ask for a short explanation."""
        return frozenset(c.code for c in self.scale if c.requires_reason)

    @property
    def reason_column(self) -> str:
        """Column of responses.csv that keeps the explanation."""
        return f"{self.id}_reason"

    @property
    def limits(self) -> tuple[float, float, float]:
        """Least and greatest number, and the step between them."""
        if self.range is None or self.step is None:
            return 0, 100, 1
        low, high = self.range
        return _number(low), _number(high), _number(self.step)

    @property
    def length(self) -> int:
        """Characters of a text, at most."""
        return self.longest or _LENGTHS.get(self.type, 0)

    @cached_property
    def must_be(self) -> str:
        """What a valid answer is, in words."""
        if self.on_scale:
            return f"one of {', '.join(map(str, self.codes))}"
        if self.type == "several":
            codes = ", ".join(map(str, self.codes))
            return f"one or more of {codes}, with {SEPARATOR} between them"
        if self.numeric:
            low, high, step = self.limits
            return f"a number from {low} to {high} in steps of {step}"
        if self.marked:
            shapes = " or ".join(self.shapes)
            return f"a list of at most {self.rules.at_most} marks, each a {shapes}"
        lines = " in one line" if self.type == "text" else ""
        return f"a text of at most {self.length} characters{lines}"

    def choice(self, code: object) -> Choice | None:
        """Return the choice with this code; None if it is not on the scale."""
        same = [c for c in self.scale if c.code == code and type(c.code) is type(code)]
        return same[0] if same else None

    def chosen(self, answer: object) -> tuple[Choice, ...]:
        """Return the choices that an answer names; none where there is no scale."""
        if self.type != "several":
            found = self.choice(answer)
            return (found,) if found else ()
        codes = set(str(answer).split(SEPARATOR))
        return tuple(c for c in self.scale if str(c.code) in codes)

    def answer_of(self, given: object) -> Answer | None:
        """Return an answer in the one form in which it is stored; None if not valid.

        Of several, a list of codes is taken as well as their text.

        Examples:
            >>> scale = tuple(Choice(code, "label") for code in (1, 2, 3))
            >>> sites = Question("site", "Where?", scale, type="several")
            >>> sites.answer_of([3, 1]), sites.answer_of("2"), sites.answer_of([4])
            ('1|3', '2', None)
        """
        if self.on_scale:
            found = self.choice(given)
            return found.code if found else None
        if self.type == "several":
            return self._several(given)
        if self.marked:
            return self.rules.stored(given)
        return self._measured(given) if self.numeric else self._worded(given)

    def lacks(self, answer: Answer) -> str:
        """Return what a valid answer still needs to be complete; empty if nothing."""
        return self.rules.lacking(answer) if self.marked else ""

    def parse(self, cell: str) -> Answer | None:
        """Return the answer that a cell holds; None if it is not a valid one.

        Whole numbers that a spreadsheet wrote as `1.0` are understood.
        """
        text = cell.strip()
        if self.on_scale:
            return self._code(text)
        if self.type == "several":
            codes = [self._code(part) for part in text.split(SEPARATOR)]
            return None if None in codes else self._several(codes)
        if self.marked:
            return self.rules.stored(text)
        if self.textual:
            return self._worded(text)
        try:
            return self._measured(float(text))
        except ValueError:
            return None

    def says(self, answer: object) -> str:
        """Return an answer in words; empty if it is not a valid one."""
        found = self.answer_of(answer)
        if found is None or self.textual:
            return str(found or "")
        if self.marked:
            return words_of(self.rules.parsed(found) or ())
        if self.scale:
            return ", ".join(choice.label for choice in self.chosen(found))
        return f"{found} {self.unit}".strip()

    def yes_no(self) -> tuple["Question", ...]:
        """Return a question of several as one of yes (1) and no (0) for each code."""
        return tuple(
            Question.of(f"{self.id}_{c.code}", c.label, (1, 0), ("Yes", "No"))
            for c in self.scale
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the content as plain values; what has its default is left out."""
        found: dict[str, Any] = {"id": self.id, "text": self.text}
        if self.type != "choice":
            found["type"] = self.type
        if self.scale and not self.of_display:
            found["scale"] = [_step(choice) for choice in self.scale]
        if not self.required:
            found["required"] = False
        if self.shown_if:
            found["shown_if"] = [one.to_dict() for one in self.shown_if]
        if self.range is not None and self.step is not None:
            found["range"] = [_number(n) for n in self.range]
            found["step"] = _number(self.step)
        for key in _LAST:
            value = getattr(self, key)
            if value != _DEFAULTS[key]:
                found[key] = list(value) if isinstance(value, tuple) else value
        return found

    @property
    def of_schema_1(self) -> bool:
        """Whether schema 1 can say it."""
        return self.type == "choice" and self.required and not self.shown_if

    def _code(self, text: str) -> int | str | None:
        text = text.strip()
        if text not in self._by_text and text.endswith(".0"):
            text = text.removesuffix(".0")
        return self._by_text.get(text)

    @cached_property
    def _by_text(self) -> dict[str, int | str]:
        return {str(code): code for code in self.codes}

    def _several(self, given: object) -> str | None:
        parts = given.split(SEPARATOR) if isinstance(given, str) else given
        if not isinstance(parts, list | tuple):
            return None
        texts = {str(part) for part in parts if not isinstance(part, bool)}
        if not texts or len(texts) < len(parts) or not texts <= self._by_text.keys():
            return None
        return SEPARATOR.join(text for text in self._by_text if text in texts)

    def _measured(self, given: object) -> float | None:
        if isinstance(given, bool) or not isinstance(given, int | float):
            return None
        low, high, step = self.limits
        if not low <= given <= high:  # so is what is no number
            return None
        nearest = low + round((given - low) / step) * step
        return _number(nearest) if abs(nearest - given) < step * 1e-6 else None

    def _worded(self, given: object) -> str | None:
        text = given.strip() if isinstance(given, str) else ""
        too_long = len(text) > self.length
        broken = self.type == "text" and len(text.splitlines()) > 1
        return None if not text or too_long or broken or not _storable(text) else text


def _storable(text: str) -> bool:
    """Whether a database keeps a text as it is.

    NUL ends a text in PostgreSQL; a lone surrogate is not Unicode.
    """
    return not any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in text)


def _number(value: float) -> float:
    """Return a number without what binary fractions add; a whole one as such."""
    rounded = round(float(value), 9)
    return int(rounded) if rounded.is_integer() else rounded


def _check_range(low: float, high: float, step: float) -> None:
    if not low < high:
        why = f"must be two numbers, the lesser first, got [{low:g}, {high:g}]"
        raise checking.Invalid(why, "range")
    span = Decimal(str(high)) - Decimal(str(low))
    steps = span / Decimal(str(step)) if step >= _LEAST_STEP else Decimal(0)
    if steps % 1 or not 1 <= steps <= _MOST_STEPS:
        why = (
            f"must go into the range from {low:g} to {high:g} a whole number of times, "
            f"1 to {_MOST_STEPS}, got {step:g}"
        )
        raise checking.Invalid(why, "step")


def _step(choice: Choice) -> dict[str, Any]:
    step: dict[str, Any] = {"code": choice.code, "label": choice.label}
    return step | {"requires_reason": True} if choice.requires_reason else step
