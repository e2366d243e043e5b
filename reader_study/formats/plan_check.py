"""Whether a report can do what a plan asks: checked by a build, before anyone reads."""

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from typing import Any

from reader_study.formats import checking
from reader_study.formats.endpoint import ACCURACY as ACCURACY_MEASURES
from reader_study.formats.endpoint import OF_DISPLAYS, Endpoint, misfit
from reader_study.formats.plan import ACCURACY, KEYS, AnalysisPlan
from reader_study.formats.protocol import Protocol
from reader_study.formats.questionnaire import Questionnaire
from reader_study.formats.rating import parse_rating, rating_fault

_NO_SUBGROUPS = frozenset({"reader", "case", "method", "trial", "position"})


def check_plan(
    protocol: Protocol, questionnaire: Questionnaire, source: checking.Source
) -> AnalysisPlan:
    """Check that a report can do what `[analysis]` plans with this questionnaire.

    Args:
        protocol: With the plan.
        questionnaire: Questionnaire of the study.
        source: The file study.toml.

    Returns:
        The plan.

    Raises:
        FormatError: If a key is not known or a value cannot be used; all are named,
            with their lines.
    """
    table = protocol.analysis
    faults = [
        checking.Fault((key,), f"is unknown; known are {', '.join(KEYS)}; notes of "
                       "your own belong into [analysis.notes]")
        for key in table
        if key not in KEYS
    ]  # fmt: skip
    given = {key: value for key, value in table.items() if key in KEYS}
    faults += checking.faults_of(AnalysisPlan, given)
    if not faults:
        reference, *others = protocol.methods
        given["reference"] = reference
        if others:
            given["test"] = others[0]
        if len(others) > 1:
            given["tests"] = tuple(others)
        given["display"] = _display(protocol)
        plan = AnalysisPlan(**given)
        faults += _question_faults(plan, table, questionnaire)
        if not faults:
            return plan
    raise source.error([checking.Fault(("analysis", *f.path), f.why) for f in faults])


def _display(protocol: Protocol) -> str:
    """Return what readers see at a time, empty of one picture."""
    shown = protocol.layout.display if protocol.layout else "one picture"
    return "" if shown == "one picture" else shown


def _question_faults(
    plan: AnalysisPlan, table: Mapping[str, Any], questionnaire: Questionnaire
) -> Iterable[checking.Fault]:
    ids = questionnaire.ids
    known = f"must be of the questions {', '.join(ids)}"
    for key in ("acceptability_questions", "ordinal_questions"):
        for place, name in enumerate(table.get(key, ())):
            if name not in ids:
                yield checking.Fault((key, place), f"{known}, got {name!r}")
    yield from _scale_faults(plan, questionnaire)
    yield from _endpoint_faults(plan, questionnaire)
    yield from _turing_faults(plan, table, questionnaire)
    yield from _acceptability_faults(plan, table, questionnaire)
    yield from _accuracy_faults(plan, table, questionnaire)


def _scale_faults(
    plan: AnalysisPlan, questionnaire: Questionnaire
) -> Iterable[checking.Fault]:
    """Find weights and groups that do not fit the scale, and no columns at all."""
    asked = {question.id: question for question in questionnaire}
    yield from _unknown_questions(plan, list(asked))
    for name in plan.weights.keys() & asked.keys():
        given, k = len(plan.weights[name]), len(asked[name].codes)
        if given != k:
            why = f"must be as many as {name} has answers, {k}, got {given}"
            yield checking.Fault(("weights", name), why)
    for name in plan.groups.keys() & asked.keys():
        wrong = grouping_fault(plan.groups[name], asked[name].codes)
        if wrong:
            yield checking.Fault(("groups", name), wrong)
    answers = {*asked, *(question.reason_column for question in questionnaire)}
    yield from (
        checking.Fault(
            ("subgroups", place),
            f"must be a column about the case or the reader, got {column!r}",
        )
        for place, column in enumerate(plan.subgroups)
        if column in answers or column.strip().casefold() in _NO_SUBGROUPS
    )


def _unknown_questions(
    plan: AnalysisPlan, ids: Sequence[str]
) -> Iterable[checking.Fault]:
    for key, by_question in (("weights", plan.weights), ("groups", plan.groups)):
        for name in by_question:
            if name not in ids:
                why = f"must be of the questions {', '.join(ids)}, got {name!r}"
                yield checking.Fault((key, name), why)


def grouping_fault(
    groups: Mapping[str, Collection[Hashable]], codes: Sequence[Hashable]
) -> str | None:
    """Return why these do not put every code of a scale into one group, else None."""
    if len(groups) < 2:
        return f"must be two groups or more, got {len(groups)}"
    found = [code for group in groups.values() for code in group]
    wrong = [code for code in dict.fromkeys([*codes, *found]) if found.count(code) != 1]
    wrong += [code for code in found if code not in codes and code not in wrong]
    if wrong:
        scale, others = (", ".join(map(str, many)) for many in (codes, wrong))
        return f"must name each of the codes {scale} once, got otherwise for {others}"
    return None


def _endpoint_faults(
    plan: AnalysisPlan, questionnaire: Questionnaire
) -> Iterable[checking.Fault]:
    named: list[tuple[checking.Path_, Endpoint]] = [
        (("endpoints", place), one) for place, one in enumerate(plan.endpoints)
    ]
    if isinstance(plan.primary, Endpoint):
        named.insert(0, (("primary",), plan.primary))
    for path, endpoint in named:
        fault = misfit(endpoint, questionnaire, plan.acceptable_codes)
        if fault is not None:
            yield checking.Fault((*path, *fault.path), fault.why)
        if endpoint.weights == "own" and endpoint.question not in plan.weights:
            why = f"must be in [analysis.weights] for {endpoint.question}, got none"
            yield checking.Fault((*path, "weights"), why)
        methods = (plan.reference, *(plan.tests or (plan.test,)))
        yield from _method_faults(path, endpoint, methods)
        yield from _rated_faults(path, endpoint, plan, questionnaire)
        yield from _shown_faults(path, endpoint, plan.display)
    endpoints = [one for _, one in named]
    for place, one in enumerate(endpoints):
        if one in endpoints[:place]:
            why = f"must be named once, got {one.measure} of {one.question} again"
            yield checking.Fault(named[place][0], why)


def _shown_faults(
    path: checking.Path_, endpoint: Endpoint, display: str
) -> Iterable[checking.Fault]:
    """Find what is to be found where nothing is to be, or preferred where it is."""
    if endpoint.measure not in OF_DISPLAYS:
        return
    if (endpoint.measure == "found") != (display == "choice"):
        must = "found" if display == "choice" else "preferred"
        why = f"must be {must} where the display is {display}, got {endpoint.measure}"
        yield checking.Fault((*path, "measure"), why)


def _rated_faults(
    path: checking.Path_,
    endpoint: Endpoint,
    plan: AnalysisPlan,
    questionnaire: Questionnaire,
) -> Iterable[checking.Fault]:
    if endpoint.measure not in ACCURACY_MEASURES:
        return
    if not plan.rating:
        why = f"must have a rating in [analysis] for {endpoint.measure}, got none"
        yield checking.Fault((*path, "measure"), why)
    elif not rating_fault(plan.rating, questionnaire):
        rating = parse_rating(plan.rating, questionnaire)
        if endpoint.question not in rating.names:
            known = " or ".join(rating.names)
            why = f"must be {known} of the rating, got {endpoint.question!r}"
            yield checking.Fault((*path, "question"), why)
        if endpoint.measure != "auc" and rating.diagnosis is plan.threshold is None:
            why = f"must have a threshold in [analysis] for {endpoint.measure}"
            yield checking.Fault((*path, "measure"), why)


def _method_faults(
    path: checking.Path_, endpoint: Endpoint, methods: tuple[str, ...]
) -> Iterable[checking.Fault]:
    if not endpoint.of_one_method or endpoint.method in methods:
        return
    got = repr(endpoint.method) if endpoint.method else "nothing"
    why = f"must be {' or '.join(methods)} of what is about one method, got {got}"
    yield checking.Fault((*path, "method"), why)


def _turing_faults(
    plan: AnalysisPlan, table: Mapping[str, Any], questionnaire: Questionnaire
) -> Iterable[checking.Fault]:
    name = plan.turing_question
    asked = {question.id: question for question in questionnaire}
    said = {"turing_question", "equivalence_margin"} & set(table)
    if not name or not said:
        return
    key = "turing_question" if "turing_question" in said else "equivalence_margin"
    if name not in asked:
        if key == "turing_question":  # a margin alone is of no use, and does no harm
            yield checking.Fault(
                (key,), f"must be one of {', '.join(asked)}, got {name!r}"
            )
    elif not {0, 1} <= set(asked[name].codes):
        why = f"must have a question with codes 1 (real) and 0, got {name}"
        yield checking.Fault((key,), why)


def _acceptability_faults(
    plan: AnalysisPlan, table: Mapping[str, Any], questionnaire: Questionnaire
) -> Iterable[checking.Fault]:
    keys = ("acceptable_codes", "acceptability_questions", "non_inferiority_margin")
    said = [key for key in keys if key in table]
    if not said:
        return
    asked = [q for q in questionnaire if q.id in plan.acceptability_questions]
    for question in asked:
        codes = plan.acceptable_codes
        wrong = [code for code in codes if question.choice(code) is None]
        if wrong:
            why = f"must be codes of {question.id}, got {wrong[0]!r}"
            yield checking.Fault((said[0],), why)
            return
        if not codes or set(codes) == set(question.codes):
            why = f"must be some codes of {question.id} and not all, got {list(codes)}"
            yield checking.Fault((said[0],), why)
            return


def _accuracy_faults(
    plan: AnalysisPlan, table: Mapping[str, Any], questionnaire: Questionnaire
) -> Iterable[checking.Fault]:
    if not plan.rating:
        yield from (
            checking.Fault((key,), "must be left out where no rating is planned")
            for key in ACCURACY[1:]
            if key in table
        )
        return
    fault = rating_fault(plan.rating, questionnaire)
    if fault:
        yield checking.Fault(("rating",), fault)
        return
    least, most = parse_rating(plan.rating, questionnaire).ends
    if plan.threshold is not None and not least < plan.threshold <= most:
        why = (
            f"must be above {least:g}, the lowest rating, and at most {most:g}, "
            f"the highest, got {plan.threshold:g}"
        )
        yield checking.Fault(("threshold",), why)
