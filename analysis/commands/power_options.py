"""Options of `magic-analyze power`, and what they ask for."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from analysis.errors import InputError

Kappa = Annotated[float | None, typer.Option(help="True kappa; 0.35, of a design 0.6.")]
Null = Annotated[
    float | None, typer.Option(help="Kappa under the null; 0, of a design 0.4.")
]
Alpha = Annotated[float | None, typer.Option(help="Type I error, two-sided; 0.05.")]
Wanted = Annotated[float | None, typer.Option("--power", help="Power wanted; 0.8.")]
Readers = Annotated[
    str | None, typer.Option(help="Number of readers, 7; of a design 3,5,7,10.")
]
Cases = Annotated[
    str | None, typer.Option(help="Number of cases, 20; of a design 10,20,40,80.")
]
Icc = Annotated[float, typer.Option(help="Correlation within a case.")]
Counts = Annotated[
    Path | None,
    typer.Option(help="Table of counts for its margins; else the paper's."),
]
Design = Annotated[
    Path | None, typer.Option(help="Readers x cases: a TOML file of the options below.")
]
Shares = Annotated[
    str | None, typer.Option(help="Design: share of each answer; 0.5,0.5.")
]
PatientCorrelation = Annotated[
    float | None, typer.Option(help="Design: how alike pairs of a patient are; 0.3.")
]
ReaderCorrelation = Annotated[
    float | None, typer.Option(help="Design: how alike pairs of a reader are; 0.05.")
]
Margin = Annotated[
    float | None, typer.Option(help="Design: margin of non-inferiority; 0.1.")
]
Repetitions = Annotated[
    int | None, typer.Option(help="Design: simulated studies of each; 2000.")
]
Seed = Annotated[int | None, typer.Option(help="Design: start of the simulation; 1.")]
Jobs = Annotated[int, typer.Option(help="Design: processors to simulate on.")]
Out = Annotated[Path | None, typer.Option(help="Folder for JSON, tables and figures.")]

_OF_DESIGN = (
    "shares",
    "patient_correlation",
    "reader_correlation",
    "margin",
    "repetitions",
    "seed",
)
_LISTS = {"readers": int, "cases": int, "shares": float}


def parsed(options: Mapping[str, Any]) -> dict[str, Any]:
    """Take the options that were given, with lists of numbers as tuples.

    Raises:
        InputError: If a list holds anything else.
    """
    given = {name: value for name, value in options.items() if value is not None}
    for name in _LISTS.keys() & given.keys():
        try:
            given[name] = tuple(map(_LISTS[name], given[name].split(",")))
        except ValueError as error:
            kind = "whole numbers" if _LISTS[name] is int else "numbers"
            msg = f"--{name} must be {kind} with commas between, got {given[name]!r}"
            raise InputError(msg) from error
    return given


def asks_for_a_design(
    given: Mapping[str, Any], design: Path | None, *, of_pairs: bool
) -> bool:
    """Tell whether several sizes, or something only a design has, was asked for.

    Raises:
        InputError: If something only independent pairs have was asked for as well.
    """
    several = any(len(given.get(name, ())) > 1 for name in ("readers", "cases"))
    asked = design is not None or several or any(name in given for name in _OF_DESIGN)
    if asked and of_pairs:
        msg = "--icc and --counts are no options of a design of readers x cases"
        raise InputError(msg)
    return asked
