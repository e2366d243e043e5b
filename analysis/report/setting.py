"""What was studied, and what went otherwise than planned, in words for a clinician."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from analysis.report.question import QuestionResult
from analysis.report.section import ReportContext, Setting
from analysis.responses import Responses
from reader_study.formats.flow import FlowReader

_KEYS: Mapping[str, str] = {
    "mild_moderate": "mild to moderate",
    "bot": "simulated reader",
}
ALLOCATIONS: Mapping[str, str] = {
    "balanced": "in each trial half of the patients of each severity were shown by "
    "each method, complementary halves to two groups of readers",
    "paper": "which method came first was drawn for each patient, the same for all "
    "readers",
}
ORDERS: Mapping[str, str] = {
    "per_reader": "each reader had an order of their own",
    "shared": "all readers had the same order",
}
_DEVIATIONS: Mapping[str, str] = {
    "early_start": "a trial begun before the washout was over",
    "incomplete_lock": "data locked before all trials were signed",
    "case_withdrawn": "a case withdrawn",
    "damage_accepted": "data used although the database was damaged",
    "picture_not_shown": "a picture that could not be shown",
    "training_not_shown": "a training case that could not be shown",
}
_MOST = 6


def in_words(key: str) -> str:
    """Return a key of a file, such as a class of severity, as words.

    Examples:
        >>> in_words("mild_moderate"), in_words("large_vessel")
        ('mild to moderate', 'large vessel')
    """
    return _KEYS.get(key, key.replace("_", " "))


def in_order(severities: Iterable[str]) -> list[str]:
    """Return classes of severity, those of the paper first and in its order."""
    rank = {name: place for place, name in enumerate(("none", "mild_moderate"))}
    last = len(rank)
    return sorted(severities, key=lambda name: (rank.get(name, last), name))


def counted(n: int, noun: str) -> str:
    """Return a number with its noun.

    Examples:
        >>> counted(1, "reader"), counted(7, "reader")
        ('1 reader', '7 readers')
    """
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def two_methods(responses: Responses) -> str:
    """Return which methods were compared."""
    return f"{responses.reference} (reference) and {responses.test} (test)"


def facts(context: Setting, methods: str) -> dict[str, str]:
    """Return what was studied, by heading; what is not known is left out.

    Args:
        context: The study.
        methods: Those of it, in words.
    """
    said = {
        "Methods": methods,
        "Readers": readers(context),
        "Patients": patients(context),
        "Readings": _readings(context),
        "Blinding": blinding(context),
        "Dates": _dates(context),
    }
    return {heading: text for heading, text in said.items() if text}


def readers(context: Setting) -> str:
    """Return how many readers there were, and of which specialties."""
    taken = set(context.responses.readers)
    own = [r for r in context.flow.readers if r.name in taken and r.specialty]
    counts = Counter(in_words(reader.specialty) for reader in own)
    of = ", ".join(counted(n, name) for name, n in sorted(counts.items()))
    if sum(counts.values()) == len(taken) and len(counts) == 1:
        return of
    return f"{len(taken)}{f' ({of})' if of else ''}"


def patients(context: Setting) -> str:
    """Return how many patients there were, by severity."""
    severity = {r.case: r.severity for r in context.responses.readings}
    counts = Counter(filter(None, severity.values()))
    of = ", ".join(f"{counts[name]} {in_words(name)}" for name in in_order(counts))
    return f"{len(severity)}{f' (severity: {of})' if of else ''}"


def design(context: Setting) -> str:
    """Return how cases were allotted and ordered; empty where it is not known."""
    plan = context.plan
    known = (ALLOCATIONS.get(str(plan.allocation)), ORDERS.get(str(plan.order)))
    return "; ".join(filter(None, known))


def blinding(context: Setting) -> str:
    """Return what readers knew; empty where the study does not say."""
    if not context.flow.grras.get(8):
        return ""
    if context.plan.display == "aided":
        return (
            "patient unknown to readers, who first read without and then with the aid"
        )
    said = ["method and patient unknown to readers"]
    plan, days = context.plan, context.flow.interval_days
    if plan.washout_days is not None and len(context.flow.counts) != 1:
        said.append(f"trials at least {plan.washout_days:g} days apart")
    if days is not None:
        low, high = (f"{day:.0f}" for day in days)
        between = low if low == high else f"{low} to {high}"
        said.append(f"{between} days between signatures")
    return ", ".join(said)


def _readings(context: Setting) -> str:
    counts = context.flow.counts
    if not counts:
        again = len(context.responses.repeats)
        repeats = f", and {counted(again, 'repeat reading')}" if again else ""
        return f"{len(context.responses.readings)}{repeats}"
    total = Counter[str]()
    for of_trial in counts.values():
        total.update(of_trial)
    declined = f", {total['declined']} declined" if total["declined"] else ""
    return (
        f"{total['submitted']} submitted of {total['assigned']} assigned, in "
        f"{counted(len(counts), 'trial')}{declined}"
    )


def _dates(context: Setting) -> str:
    signed = sorted(of.signed_at for of in context.flow.readings if of.signed_at)
    if not signed:
        return ""
    first, last = (_day(stamp) for stamp in (signed[0], signed[-1]))
    return f"trials signed {first} to {last}" if first != last else f"signed {first}"


def _day(stamp: str) -> str:
    try:
        return f"{datetime.fromisoformat(stamp):%d %B %Y}".lstrip("0")
    except ValueError:
        return stamp


def deviations(context: Setting, own: Iterable[str]) -> tuple[str, ...]:
    """Return what is incomplete, or otherwise than planned, each as a sentence.

    Args:
        context: The study.
        own: Sentences on its methods and answers.
    """
    said = [
        *_of_plan(context),
        *_of_numbers(context),
        *own,
        *_of_washout(context),
        *_of_readers(context),
        *_recorded(context),
    ]
    if not context.flow.counts:
        said.append("How the readings went is not recorded with them.")
    return tuple(said) or ("None is recorded, and no answer is missing.",)


def of_methods(context: ReportContext) -> Iterator[str]:
    """Yield that the plan compares other methods, if it does."""
    plan = context.plan
    methods = (context.responses.reference, context.responses.test)
    if plan.prespecified and methods != (plan.reference, plan.test):
        yield (
            f"The plan compares {plan.reference} (reference) with {plan.test} (test), "
            f"this report {methods[0]} with {methods[1]}."
        )


def _of_plan(context: Setting) -> Iterator[str]:
    plan = context.plan
    if not plan.prespecified:
        return
    if context.confidence_level != plan.confidence_level:
        yield (
            f"Descriptive intervals are at the {100 * context.confidence_level:g} % "
            f"level that was asked for; the plan's, {100 * plan.confidence_level:g} %, "
            "decides on every claim."
        )
    if context.incomplete != plan.incomplete_pairs:
        ways = {"exclude": "left out", "disagree": "counted as disagreements"}
        yield (
            f"In the tables incomplete pairs are {ways[context.incomplete]}; the plan "
            f"has them {ways[plan.incomplete_pairs]}, as they are for its endpoints."
        )
    if plan.seal == "broken":
        yield (
            "plan.json is not the plan of the sealed protocol (SHA-256 "
            f"{plan.protocol_sha256[:12]}): it was changed after the study was built."
        )
    if plan.registered == "other":
        yield (
            "The registered text beside the readings names another protocol than the "
            f"sealed one (SHA-256 {plan.protocol_sha256[:12]}): this report does not "
            "answer that text."
        )


def _of_numbers(context: Setting) -> Iterator[str]:
    plan = context.plan
    n_readers = len(context.responses.readers)
    n_cases = len({reading.case for reading in context.responses.readings})
    for n, planned, noun in (
        (n_readers, plan.n_readers, "reader"),
        (n_cases, plan.n_cases, "patient"),
    ):
        if planned and planned != n:
            yield f"{counted(planned, noun)} were planned, {n} took part."


def of_pairs(questions: Iterable[QuestionResult]) -> Iterator[str]:
    """Yield how many pairs of answers are incomplete, if any are.

    Where no pair is complete the methods had cases of their own, as in an unpaired
    design: that is said instead.
    """
    pairs = [result.pairs for result in questions]
    number = {of.question.id: of.n_incomplete for of in pairs}
    if any(number.values()) and not any(of.table.n for of in pairs):
        yield (
            "No reader answered a question about one case under both methods: the "
            "methods are compared without pairs."
        )
        return
    yield from incomplete("Incomplete pairs of answers", number)


def incomplete(what: str, number: Mapping[str, int]) -> Iterator[str]:
    """Yield how much is incomplete, by question, if anything is.

    Examples:
        >>> list(incomplete("Answers not given", {"Q1": 2, "Q2": 0}))
        ['Answers not given: 2 of Q1.']
    """
    if not any(number.values()):
        return
    if len(set(number.values())) == 1:
        said = f"{max(number.values())} of every question"
    else:
        said = "; ".join(f"{n} of {name}" for name, n in number.items() if n)
    yield f"{what}: {said}."


def _of_washout(context: Setting) -> Iterator[str]:
    least = context.plan.washout_days
    if least is None:
        return
    short = [
        reader.name
        for reader in context.flow.readers
        if reader.interval_days is not None and reader.interval_days < least
    ]
    if short:
        yield f"Less than {least:g} days between the trials: {_listed(short)}."


def _of_readers(context: Setting) -> Iterator[str]:
    gone = [reader for reader in context.flow.readers if reader.status != "active"]
    if gone:
        yield f"Readers who did not stay: {_listed(_why(reader) for reader in gone)}."


def _why(reader: FlowReader) -> str:
    reason = f" ({reader.reason})" if reader.reason else ""
    return f"{reader.name}, {in_words(reader.status)}{reason}"


def _recorded(context: Setting) -> Iterator[str]:
    found = context.flow.deviations or ()
    if found:
        each = (
            f"{_DEVIATIONS.get(one.kind, in_words(one.kind))}"
            f"{f', {one.reader}' if one.reader else ''}"
            f"{f' ({one.reason})' if one.reason else ''}"
            for one in found
        )
        yield f"Recorded deviations: {_listed(each)}."


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    more = len(every) - _MOST
    shown = "; ".join(every[:_MOST])
    return f"{shown}; and {more} more" if more > 0 else shown
