"""`magic-analyze power`: power, pairs needed and detectable kappa of a study."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from analysis.commands.cluster import Scheduler, workers
from analysis.commands.shared import AsJson, progress, text_of_frame
from analysis.errors import InputError, user_input

if TYPE_CHECKING:
    from analysis.power import PowerFigures, PowerTest, StudySize
    from analysis.tables import ContingencyTable

_OF_DESIGN = (
    "patient_correlation",
    "reader_correlation",
    "margin",
    "repetitions",
    "seed",
)
_OF_ACCURACY = (
    "pilot",
    "components",
    "metric",
    "rating",
    "threshold",
    "truth_positive",
    "difference",
)
_OF_DISPLAYS = ("protocol", "measure", "share", "arms", "pictures", "spread")
_LISTS = {"readers": int, "cases": int, "shares": float}
PAPERS_MARGINS = (
    "Margins of the paper's seven questions, since --counts gave none of your own"
)
WHAT_IS_TESTED = (
    "The report makes the first: the interval of kappa, pairs taken as independent, "
    "lies beyond the null (simulated). The others are formulas of tests that it does "
    "not make: chi-square goodness of fit, and z tests with the error under the null."
)
_OF_PAIRS = {
    "kappa": 0.35,
    "null": 0.0,
    "alpha": 0.05,
    "power": 0.8,
    "readers": (7,),
    "cases": (20,),
}


def power(
    kappa: Annotated[
        float | None, typer.Option(help="True kappa; 0.35, of a design 0.6.")
    ] = None,
    null: Annotated[
        float | None, typer.Option(help="Kappa under the null; 0, of a design 0.4.")
    ] = None,
    alpha: Annotated[
        float | None, typer.Option(help="Type I error, two-sided; 0.05.")
    ] = None,
    power: Annotated[float | None, typer.Option(help="Power wanted; 0.8.")] = None,
    readers: Annotated[
        str | None, typer.Option(help="Number of readers, 7; of a design 3,5,7,10.")
    ] = None,
    cases: Annotated[
        str | None, typer.Option(help="Number of cases, 20; of a design 10,20,40,80.")
    ] = None,
    icc: Annotated[float, typer.Option(help="Correlation within a case.")] = 0.0,
    counts: Annotated[
        Path | None,
        typer.Option(help="Table of counts for its margins; else the paper's."),
    ] = None,
    raters: Annotated[
        int | None,
        typer.Option(help="So many raters of each case under one method: their kappa."),
    ] = None,
    design: Annotated[
        Path | None,
        typer.Option(help="Readers x cases: a TOML file of the options below."),
    ] = None,
    shares: Annotated[
        str | None, typer.Option(help="Design: share of each answer; 0.5,0.5.")
    ] = None,
    patient_correlation: Annotated[
        float | None,
        typer.Option(help="Design: how alike pairs of a patient are; 0.3."),
    ] = None,
    reader_correlation: Annotated[
        float | None,
        typer.Option(help="Design: how alike pairs of a reader are; 0.05."),
    ] = None,
    margin: Annotated[
        float | None, typer.Option(help="Margin of non-inferiority; of a design 0.1.")
    ] = None,
    repetitions: Annotated[
        int | None, typer.Option(help="Design: simulated studies of each; 2000.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Design: start of the simulation; 1.")
    ] = None,
    pilot: Annotated[
        Path | None,
        typer.Option(help="Accuracy: ratings of two methods beside the truth, a file."),
    ] = None,
    components: Annotated[
        Path | None,
        typer.Option(help="Accuracy: its variances in a TOML file, without a pilot."),
    ] = None,
    metric: Annotated[
        str | None, typer.Option(help="Accuracy: auc, sensitivity or specificity; auc.")
    ] = None,
    rating: Annotated[
        str | None, typer.Option(help="Accuracy: column of ratings; rating.")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(help="Accuracy: ratings from here on are a call.")
    ] = None,
    truth_positive: Annotated[
        str | None, typer.Option(help="Accuracy: values of truth that are diseased.")
    ] = None,
    difference: Annotated[
        float | None,
        typer.Option(
            help="True difference; of accuracy 0.05, with --margin 0, of shift 0.5."
        ),
    ] = None,
    protocol: Annotated[
        Path | None,
        typer.Option(help="study.toml whose primary endpoint is one of --measure."),
    ] = None,
    measure: Annotated[
        str | None,
        typer.Option(help="Displays, scores: preferred, found or shift differs."),
    ] = None,
    share: Annotated[
        float | None,
        typer.Option(help="Displays: true share; preferred 0.6, found 0.75."),
    ] = None,
    arms: Annotated[
        int | None, typer.Option(help="Displays, scores: methods; 2.")
    ] = None,
    pictures: Annotated[
        int | None, typer.Option(help="Displays: pictures of each; 2, found all arms.")
    ] = None,
    spread: Annotated[
        float | None,
        typer.Option(help="Scores: SD of a reader's difference in a case; 1."),
    ] = None,
    jobs: Annotated[int, typer.Option(help="Design: processors to simulate on.")] = 1,
    scheduler: Scheduler = "",
    out: Annotated[
        Path | None, typer.Option(help="Folder for JSON, tables and figures.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Power, pairs needed and detectable kappa; of a design, readers and cases."""
    options = locals()
    given = _given(options)
    if any(options[name] is not None for name in _OF_DISPLAYS):
        print(_power_of_displays(options, given, as_json=as_json))
    elif any(options[name] is not None for name in _OF_ACCURACY):
        print(_power_of_accuracy(options, given, as_json=as_json))
    elif raters is not None:
        _refuse_other_options(given, design, counts, readers=readers, icc=icc, out=out)
        print(_power_of_raters({**_OF_PAIRS, **given}, raters, as_json=as_json))
    elif _asks_for_a_design(given, design, of_pairs=bool(icc or counts)):
        from analysis.commands.power_design import design_power, read_request

        request = read_request(design, given)
        with workers(scheduler, jobs) as n:
            print(
                design_power(request, out, jobs=n, as_json=as_json, progress=progress)
            )
    else:
        print(
            _power_of_pairs({**_OF_PAIRS, **given}, icc, counts, out, as_json=as_json)
        )


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the numbers that were given, with lists of numbers as tuples.

    Raises:
        InputError: If a list holds anything else.
    """
    names = (*_OF_PAIRS, "shares", *_OF_DESIGN)
    given = {name: options[name] for name in names if options[name] is not None}
    for name in _LISTS.keys() & given.keys():
        try:
            given[name] = tuple(map(_LISTS[name], given[name].split(",")))
        except ValueError as error:
            kind = "whole numbers" if _LISTS[name] is int else "numbers"
            msg = f"--{name} must be {kind} with commas between, got {given[name]!r}"
            raise InputError(msg) from error
    return given


def _power_of_displays(
    options: Mapping[str, Any], given: Mapping[str, Any], *, as_json: bool
) -> str:
    """Compute the power of displays of several pictures, or of scores.

    Raises:
        InputError: If something that only agreement or accuracy has was asked for.
    """
    from analysis.commands.power_displays import displays_power

    others = ("icc", "counts", "raters", "design", "out")
    wrong = [name for name in others if options[name]]
    wrong += [name for name in ("kappa", "null", "shares", "margin") if name in given]
    own = {"difference"}
    wrong += [n for n in _OF_ACCURACY if n not in own and options[n] is not None]
    if wrong:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in wrong)
        msg = f"Power of displays and scores does not go with {names}"
        raise InputError(msg)
    asked = {name: options[name] for name in (*_OF_DISPLAYS, *own)}
    return displays_power(asked, given, as_json=as_json, progress=progress)


def _power_of_accuracy(
    options: Mapping[str, Any], given: Mapping[str, Any], *, as_json: bool
) -> str:
    """Compute the power of comparing accuracies of readers.

    Raises:
        InputError: If something that only agreement has was asked for as well.
    """
    from analysis.commands.power_accuracy import AccuracyRequest, accuracy_power

    with_both = {"readers", "cases", "alpha", "power", "margin"}
    wrong = [name for name in given if name not in with_both]
    others = ("icc", "counts", "raters", "design", "out")
    wrong += [name for name in others if options[name]]
    if wrong:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in wrong)
        msg = f"Power of an accuracy does not go with {names}"
        raise InputError(msg)
    own = {name: options[name] for name in _OF_ACCURACY if options[name] is not None}
    if "truth_positive" in own:
        values = own["truth_positive"].split(",")
        own["truth_positive"] = tuple(value.strip() for value in values)
    asked = {name: given[name] for name in with_both & given.keys()}
    request = AccuracyRequest(**own, **asked)
    return accuracy_power(request, as_json=as_json, progress=progress)


def _asks_for_a_design(
    given: Mapping[str, Any], design: Path | None, *, of_pairs: bool
) -> bool:
    """Return whether several sizes, or something only a design has, was asked for.

    Raises:
        InputError: If something only independent pairs have was asked for as well.
    """
    several = any(len(given.get(name, ())) > 1 for name in ("readers", "cases"))
    of_design = any(name in given for name in ("shares", *_OF_DESIGN))
    asked = design is not None or several or of_design
    if asked and of_pairs:
        msg = "--icc and --counts are no options of a design of readers x cases"
        raise InputError(msg)
    return asked


def _refuse_other_options(
    given: Mapping[str, Any], *files: Path | None, **others: object
) -> None:
    """Refuse what says nothing about raters of one method."""
    wrong = [f"--{name.replace('_', '-')}" for name in _OF_DESIGN if name in given]
    wrong += [f"--{name}" for name, value in others.items() if value]
    wrong += ["--design"] * (files[0] is not None) + ["--counts"] * bool(files[1])
    if wrong:
        msg = (
            "--raters goes with --kappa, --null, --alpha, --power, --cases and "
            f"--shares, got {', '.join(wrong)}"
        )
        raise InputError(msg)


def _power_of_raters(asked: Mapping[str, Any], raters: int, *, as_json: bool) -> str:
    """Compute goodness-of-fit power of the kappa of many raters of each case."""
    from analysis.power import PowerTest, many_raters
    from analysis.power.design import answer_shares

    cases, *more = asked["cases"]
    if more or cases < 1:
        msg = f"--cases must be one number of 1 or more, got {[cases, *more]}"
        raise InputError(msg)
    with user_input():
        test = PowerTest(asked["kappa"], asked["null"], asked["alpha"])
        shares = answer_shares(asked.get("shares", (0.5, 0.5)))
        model: Literal["mixture", "dirichlet"]
        model = "mixture" if len(shares) == 2 else "dirichlet"
        power = many_raters.raters_power(shares, test, cases, raters, model)
        needed = many_raters.raters_sample_size(
            shares, test, asked["power"], raters, model
        )
        limit = many_raters.raters_lower_limit(
            shares, test.kappa, cases, raters, model=model, alpha=test.alpha / 2
        )
    if as_json:
        found = {
            "asked": {name: asked[name] for name in ("kappa", "null", "alpha", "power")}
            | {"cases": cases, "raters": raters, "shares": shares.tolist()},
            "model": model,
            "power": power,
            "cases_needed": math.ceil(needed),
            "lower_limit": limit if math.isfinite(limit) else None,
        }
        return json.dumps(found, indent=1, allow_nan=False)
    answers = ", ".join(f"{share:g}" for share in shares)
    return "\n".join(
        [
            f"Kappa {test.kappa:g} against {test.null:g}, alpha {test.alpha:g} "
            f"two-sided; {raters} raters of each case, answers {answers}; "
            f"goodness of fit, {model} model",
            f"Power with {cases} cases: {100 * power:.1f}%",
            f"Cases needed for {asked['power']:.0%}: {math.ceil(needed)}",
            f"Lower {1 - test.alpha:.0%} limit expected of {cases} cases: "
            + (f"{limit:.3f}" if math.isfinite(limit) else "none"),
        ]
    )


def _power_of_pairs(
    asked: Mapping[str, Any],
    icc: float,
    counts: Path | None,
    out: Path | None,
    *,
    as_json: bool,
) -> str:
    """Compute power under every formulation, and write figures where asked to."""
    from analysis.power import PowerTest, StudySize
    from analysis.power.normal import check_power
    from analysis.report.figures import house_style, power_figure, save_figure
    from analysis.report.writing import complete_or_untouched

    wanted = asked["power"]
    with user_input():
        size = StudySize(asked["readers"][0], asked["cases"][0], icc)
        test = PowerTest(asked["kappa"], asked["null"], asked["alpha"])
        check_power(wanted, test.alpha)
    tables = _tables(counts)
    figures = {
        name: _figures(table, size, test, wanted) for name, table in tables.items()
    }
    refused = {name: rows[0].refused for name, rows in figures.items()}
    if counts and all(refused.values()):
        raise InputError("; ".join(filter(None, refused.values())))
    shown = {
        "kappa": test.kappa,
        "null": test.null,
        "alpha": test.alpha,
        "wanted": wanted,
        "readers": size.readers,
        "cases": size.cases,
        "icc": icc,
        **({} if counts else {"counts": None, "margins": PAPERS_MARGINS}),
    }
    content = json.dumps(_json(shown, figures), indent=1, allow_nan=False)
    if out:
        with complete_or_untouched(out) as staging, house_style():
            (staging / "power.json").write_text(content + "\n", encoding="utf-8")
            figure = power_figure(tables, size, test, wanted, of_interval=True)
            save_figure(figure, staging, "power")
    if as_json:
        return content
    margins = f"Margins of {counts}" if counts else PAPERS_MARGINS
    return _describe(size, test, wanted, figures, [margins, *_figure_line(out)])


def _figures(
    table: "ContingencyTable", size: "StudySize", test: "PowerTest", wanted: float
) -> "list[PowerFigures]":
    """Return power of what a report does, then that of the formulas."""
    from analysis.power import interval_figures, power_overview

    margins = table.row_totals, table.column_totals
    return [
        interval_figures(*margins, size, test, wanted),
        *power_overview(*margins, size, test, wanted),
    ]


def _tables(counts: Path | None) -> "dict[str, ContingencyTable]":
    """Margins of the user's table, else those of the paper's seven questions."""
    from analysis.published import load_published, published_pairs, recover_all
    from analysis.responses.counts import read_counts

    if counts:
        table = read_counts(counts, said=progress)
        if table.n == 0:
            msg = f"{counts} holds no pairs"
            raise InputError(msg)
        return {counts.stem: table}
    published = load_published()
    pairs = published_pairs(published, recover_all(published))
    return {of_question.question.id: of_question.table for of_question in pairs}


def _json(
    asked: Mapping[str, object], figures: "Mapping[str, list[PowerFigures]]"
) -> dict[str, object]:
    return {
        "asked": asked,
        "figures": {
            name: [
                {
                    key: None
                    if isinstance(value, float) and not math.isfinite(value)
                    else value
                    for key, value in asdict(row).items()
                }
                for row in rows
            ]
            for name, rows in figures.items()
        },
    }


def _describe(
    size: "StudySize",
    test: "PowerTest",
    wanted: float,
    figures: "Mapping[str, list[PowerFigures]]",
    said: Sequence[str],
) -> str:
    from analysis.report.frames import power_notes, power_table

    margins, *last = said
    head = (
        f"Kappa {test.kappa:g} against {test.null:g}, alpha {test.alpha:g} two-sided; "
        f"{size.readers} readers x {size.cases} cases = {size.pairs} pairs"
    )
    if size.icc:
        head += (
            f", intraclass correlation {size.icc:g}: worth "
            f"{size.effective_pairs:.1f} independent pairs"
        )
    parts = [head, margins]
    for name, rows in figures.items():
        body = rows[0].refused or text_of_frame(power_table(rows))
        parts.append(f"{name}\n{body}")
    every = [row for rows in figures.values() for row in rows]
    if any(row.refused is None for row in every):
        notes = power_notes(every, wanted, pairs=size.effective_pairs)
        parts.append("\n".join([WHAT_IS_TESTED, *notes]))
    return "\n\n".join([*parts, *last])


def _figure_line(out: Path | None) -> list[str]:
    return [f"Figure: {out / 'power.png'}"] if out else []
