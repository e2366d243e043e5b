"""Sections of a report on several pictures at once: worths, choices, places."""

from collections.abc import Iterator
from functools import partial

import pandas as pd
from matplotlib.figure import Figure

from analysis.charts.forest import ForestRow, forest_plot
from analysis.displays import ForcedChoice, Worths
from analysis.displays.worth import Contrast
from analysis.report import formatting
from analysis.report.displays.results import DisplayResults, PicturesAsked
from analysis.report.section import Picture, Section, Table
from reader_study.formats.showing.display import letter_of

_CROSSED = "readers and patients random"
_LONGEST = 24


def sections_of(study: DisplayResults) -> list[Section]:
    """Return a section for each question, and one for all others."""
    made = [_section(asked, study) for asked in study.asked]
    return [*made, *([_others(study)] if study.counts else [])]


def _section(asked: PicturesAsked, study: DisplayResults) -> Section:
    if asked.found is not None:
        return _of_choice(asked, asked.found, study)
    if asked.worths is not None:
        return _of_worths(asked, asked.worths, study)
    name = asked.question.id
    return Section(f"pictures_{name}", name, refused=f"No answer to {name} was given.")


def _title(asked: PicturesAsked) -> str:
    return f"{asked.question.id}: {asked.question.text}"


def _level(study: DisplayResults) -> str:
    return f"{100 * study.confidence_level:g}%"


# -- Preference and ranking


def _of_worths(asked: PicturesAsked, worths: Worths, study: DisplayResults) -> Section:
    name = asked.question.id
    model = "Plackett and Luce {plackett}" if asked.question.type == "rank" else (
        "Bradley and Terry {bradley_terry}"
    )  # fmt: skip
    return Section(
        f"pictures_{name}",
        _title(asked),
        findings=(*_of_contrasts(worths, study), *_of_repeats(asked, study)),
        tables=(
            _worth_table(asked, worths, study),
            _contrast_table(asked, worths, study),
            _place_table(asked),
        ),
        pictures=(_worth_picture(asked, worths, study),),
        methods=(
            f"Answers to {name} were analysed by the model of {model}: a method is put "
            "first with a chance in proportion to its worth; a tie counted half for "
            "each. The errors of log worths take displays of one reader, and of one "
            "patient, as alike: influence values were parted into effects of readers, "
            "patients and a rest. Which of two came first has Wilson's interval "
            "{wilson} on the effective number of displays; its p-values of no "
            "preference were adjusted for all pairs by Holm's step-down method {holm}.",
        ),
        content=_worth_json(asked, worths, study),
    )


def _of_contrasts(worths: Worths, study: DisplayResults) -> Iterator[str]:
    level = study.plan.confidence_level
    if worths.undefined_reason:
        yield f"Worths are undefined: {worths.undefined_reason}."
    for contrast in worths.contrasts:
        reference, test = contrast.methods
        share = formatting.format_share(contrast.share, study.confidence_level)
        yield (
            f"{test} was put before {reference} in {share} of "
            f"{contrast.share.n} displays; adjusted {_p(contrast.adjusted)}."
        )
    apart = [c for c in worths.contrasts if c.adjusted < 1 - level]
    how = f"at the level of {100 * level:g} % for all pairs together (Holm)"
    if not apart:
        yield f"No two methods differ {how}, which does not show that they are alike."
        return
    said = ", ".join(_ordered(c) for c in apart)
    kind = "" if study.plan.prespecified else " No plan lay beside: exploratory."
    yield f"Methods that differ {how}: {said}.{kind}"


def _ordered(contrast: Contrast) -> str:
    reference, test = contrast.methods
    before, after = (
        (test, reference) if contrast.share.estimate > 0.5 else (reference, test)
    )
    return f"{before} before {after}"


def _of_repeats(asked: PicturesAsked, study: DisplayResults) -> Iterator[str]:
    if asked.again is not None:
        share = formatting.format_share(asked.again, study.confidence_level)
        yield (
            f"Of {asked.again.n} displays shown a second time, with the pictures at "
            f"other places, the same picture came first in {share}."
        )


def _p(value: float) -> str:
    written = formatting.format_p(value)
    return f"p < {written[1:]}" if written.startswith("<") else f"p = {written}"


def _worth_table(asked: PicturesAsked, worths: Worths, study: DisplayResults) -> Table:
    rows = []
    shown = worths.preferences.stages[0].left.sum(axis=0)
    against = {c.methods: c for c in worths.contrasts}
    for place, method in enumerate(study.methods):
        contrast = against.get((study.methods[0], method))
        rows.append(
            {
                "Method": formatting.neutralise(method),
                "Displays": str(int(shown[place])),
                "Put first": f"{100 * worths.first[place]:.1f}%",
                f"Log worth over {study.methods[0]} [{_level(study)} CI]": "0"
                if contrast is None
                else formatting.format_clustered(
                    contrast.log_odds, study.confidence_level, 2
                ),
            }
        )
    note = f"Intervals: {_CROSSED}. Of ties each method has its part."
    caption = f"{asked.question.id}: worth of each method"
    return Table(f"worth_{asked.question.id}", caption, pd.DataFrame(rows), (note,))


def _contrast_table(
    asked: PicturesAsked, worths: Worths, study: DisplayResults
) -> Table:
    level = study.confidence_level
    rows = [
        {
            "Pair": formatting.neutralise(f"{c.methods[1]} before {c.methods[0]}"),
            "Displays": str(c.share.n),
            f"Put first [{_level(study)} CI]": formatting.format_share(c.share, level),
            "Chance by the model [CI]": f"{formatting.format_estimate(c.chance)} "
            f"{formatting.format_interval(c.chance_interval(level))}",
            "p": formatting.format_p(c.p_value),
            "adjusted p": formatting.format_p(c.adjusted),
        }
        for c in worths.contrasts
    ]
    reasons = formatting.reasons_of(
        [(" and ".join(c.methods), c.log_odds) for c in worths.contrasts]
    )
    caption = f"{asked.question.id}: every two methods, {_CROSSED}"
    return Table(f"pairs_{asked.question.id}", caption, pd.DataFrame(rows), reasons)


def _place_table(asked: PicturesAsked) -> Table:
    rows = [
        {
            "Place": letter_of(place),
            "Put first": f"{n:g}",
            "Share": f"{100 * n / max(1, asked.n):.1f}%",
        }
        for place, n in enumerate(asked.places, 1)
    ]
    note = "Each method stood as often at each place."
    caption = f"{asked.question.id}: how often the picture at each place came first"
    return Table(f"places_{asked.question.id}", caption, pd.DataFrame(rows), (note,))


def _worth_picture(
    asked: PicturesAsked, worths: Worths, study: DisplayResults
) -> Picture:
    rows = [
        ForestRow(
            _short(f"{c.methods[1]} / {c.methods[0]}"),
            c.share.estimate,
            c.share.confidence_interval(study.confidence_level),
        )
        for c in worths.contrasts
    ]
    name = asked.question.id
    return Picture(
        f"preference_{name}",
        partial(_draw, rows, f"{name}: share put before, {_level(study)} CI", 0.5),
        f"How often each method was put before another on {name}",
        f"Share of displays in which the first method came before the second, "
        f"{_CROSSED}; line: no preference.",
    )


def _worth_json(
    asked: PicturesAsked, worths: Worths, study: DisplayResults
) -> formatting.Json:
    level = study.confidence_level
    return {
        "type": asked.question.type,
        "n": asked.n,
        "missing": asked.missing,
        "places": list(asked.places),
        "undefined_reason": worths.undefined_reason,
        "p_value": formatting.number(worths.p_value),
        "first": dict(zip(study.methods, map(float, worths.first), strict=True)),
        "log_worth": {
            method: formatting.number(float(value))
            for method, value in zip(study.methods, worths.log_worth, strict=True)
        },
        "pairs": [
            {
                "methods": list(c.methods),
                "share": formatting.clustered_json(c.share, level),
                "log_odds": formatting.clustered_json(c.log_odds, level),
                "chance": formatting.number(c.chance),
                "p_value": formatting.number(c.p_value),
                "adjusted_p_value": formatting.number(c.adjusted),
            }
            for c in worths.contrasts
        ],
        **_again_json(asked, level),
    }


def _again_json(asked: PicturesAsked, level: float) -> formatting.Json:
    again = asked.again
    return {"again": formatting.clustered_json(again, level)} if again else {}


# -- Forced choice


def _of_choice(
    asked: PicturesAsked, found: ForcedChoice, study: DisplayResults
) -> Section:
    name, level = asked.question.id, study.confidence_level
    return Section(
        f"pictures_{name}",
        _title(asked),
        findings=(*_of_found(found, study), *_of_repeats(asked, study)),
        tables=(_reader_table(asked, found, study), _place_table(asked)),
        pictures=(_choice_picture(asked, found, study),),
        methods=(
            f"On {name} the picture by {study.methods[0]} was to be found among "
            f"{found.m}. The share correct has Wilson's interval {{wilson}} on the "
            "effective number of displays, readers and patients random; each reader "
            "alone has the exact binomial interval and p-value. d' is that of an "
            "observer without bias who takes the largest of so many independent normal "
            "values {hacker_ratcliff}; its limits are those of the share.",
        ),
        content={
            "type": "forced choice",
            "target": study.methods[0],
            "m": found.m,
            "missing": asked.missing,
            "places": list(asked.places),
            "correct": formatting.clustered_json(found.correct, level),
            "chance": found.chance,
            "p_value": formatting.number(found.p_value),
            "d_prime": formatting.number(found.d_prime),
            "by_reader": [
                {
                    "reader": one.reader,
                    "correct": one.correct,
                    "n": one.n,
                    "p_value": one.p_value,
                }
                for one in found.by_reader
            ],
            **_again_json(asked, level),
        },
    )


def _of_found(found: ForcedChoice, study: DisplayResults) -> Iterator[str]:
    level = study.confidence_level
    d_prime = formatting.format_estimate(found.d_prime, 2)
    limits = formatting.format_interval(found.d_prime_interval(level), 2)
    yield (
        f"Readers found the picture by {study.methods[0]} in "
        f"{formatting.format_share(found.correct, level)} of {found.correct.n} "
        f"displays of {found.m}, where guessing finds {100 * found.chance:.1f}%; d' is "
        f"{d_prime} {limits}."
    )
    alpha, said = 1 - study.plan.confidence_level, _p(found.p_value)
    at = f"at the level of {100 * study.plan.confidence_level:g} % ({said})"
    if found.p_value < alpha:
        way = "more" if found.correct.estimate > found.chance else "less"
        yield f"That is {way} than by chance {at}."
    else:
        yield f"It is not shown to differ from chance {at}; that shows no equality."


def _reader_table(
    asked: PicturesAsked, found: ForcedChoice, study: DisplayResults
) -> Table:
    level = study.confidence_level
    rows = [
        {
            "Reader": formatting.neutralise(one.reader),
            "Found": f"{one.correct} of {one.n}",
            f"Share [{_level(study)} CI]": f"{100 * one.correct / one.n:.1f}% "
            + _percent(one.confidence_interval(level)),
            "p": formatting.format_p(one.p_value),
        }
        for one in found.by_reader
    ]
    rows.append(
        {
            "Reader": "All",
            "Found": f"{sum(r.correct for r in found.by_reader)} of {found.correct.n}",
            f"Share [{_level(study)} CI]": formatting.format_share(
                found.correct, level
            ),
            "p": formatting.format_p(found.p_value),
        }
    )
    note = (
        f"p against 1 in {found.m}. Each reader alone: exact, patients random; all: "
        f"{_CROSSED}."
    )
    caption = f"{asked.question.id}: how often the picture was found"
    frame = pd.DataFrame(rows)
    return Table(f"found_{asked.question.id}", caption, frame, (note,))


def _percent(interval: object) -> str:
    low, high = (100 * getattr(interval, end) for end in ("low", "high"))
    return f"[{low:.1f}%, {high:.1f}%]"


def _choice_picture(
    asked: PicturesAsked, found: ForcedChoice, study: DisplayResults
) -> Picture:
    level, name = study.confidence_level, asked.question.id
    every = ForestRow(
        "all readers", found.correct.estimate, found.correct.confidence_interval(level)
    )
    alone = [
        ForestRow(
            _short(r.reader), r.correct / r.n, r.confidence_interval(level), faint=True
        )
        for r in found.by_reader
    ]
    xlabel = f"{name}: share correct, {_level(study)} CI"
    return Picture(
        f"choice_{name}",
        partial(_draw, [every, *alone], xlabel, found.chance),
        f"Share of displays in which the picture was found on {name}, by reader",
        f"Dark, all readers ({_CROSSED}); grey, each reader (exact); line: chance.",
    )


def _short(label: str) -> str:
    return label if len(label) <= _LONGEST else f"{label[: _LONGEST - 3]}..."


def _draw(rows: list[ForestRow], xlabel: str, reference: float) -> Figure:
    figure = Figure(figsize=(4.2, 0.75 + 0.2 * len(rows)), layout="constrained")
    ax = forest_plot(rows, figure.subplots(), xlabel=xlabel, reference=reference)
    ax.set_xlim(0, 1)
    ax.tick_params(labelsize=7)
    return figure


# -- Other questions


def _others(study: DisplayResults) -> Section:
    rows = [
        {"Question": name, "Answer": formatting.neutralise(label), "Given": str(n)}
        for name, counts in study.counts.items()
        for label, n in counts.items()
    ]
    frame = pd.DataFrame(rows)
    table = Table("other_answers", "How often each answer was given", frame)
    return Section(
        "other_answers",
        "Other questions",
        findings=("Answers to the display as a whole, over all methods.",),
        tables=(table,),
        content={"counts": {name: dict(of) for name, of in study.counts.items()}},
    )
