"""The command `magic-analyze`: parse, call, print."""

import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from analysis.cli_version import add_version
from analysis.commands import power_options as options
from analysis.errors import InputError
from reader_study.formats.checking import FormatError

app = typer.Typer(
    name="magic-analyze",
    help="Agreement between two methods that several readers have rated. "
    "Research use only.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
add_version(app)

OutFolder = Annotated[Path, typer.Option("--out", help="Folder for all results.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Level = Annotated[
    float, typer.Option("--confidence-level", help="Level of all intervals.")
]


class IncompletePairs(StrEnum):
    """What to do with pairs that have one answer only."""

    EXCLUDE = "exclude"
    DISAGREE = "disagree"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    try:
        status = app(None if argv is None else list(argv), standalone_mode=False)
    except typer.TyperException as error:
        return _fail(error.format_message())
    except (InputError, FormatError) as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(
            f"{error.filename}: {error.strerror}" if error.filename else str(error)
        )
    return status if isinstance(status, int) else 0


@app.command()
def reproduce(out: OutFolder = Path("reproduction")) -> None:
    """Recompute the paper's Table 1, Tables S.1-S.7, Figure S.5 and power claim."""
    from analysis.commands.reproduce import reproduce as run

    print(run(out, _progress))


@app.command()
def report(
    responses: Annotated[Path, typer.Argument(help="responses.csv")],
    out: OutFolder,
    questionnaire: Annotated[
        Path | None,
        typer.Option(help="questionnaire.json; else the one beside the responses."),
    ] = None,
    reference: Annotated[
        str | None, typer.Option(help="Reference method; else the plan's, or RAPID.")
    ] = None,
    test: Annotated[
        str | None, typer.Option(help="Test method; else the plan's, or MAGIC.")
    ] = None,
    confidence_level: Annotated[
        float | None, typer.Option(help="Of all intervals; else the plan's, or 0.95.")
    ] = None,
    incomplete: Annotated[
        IncompletePairs | None,
        typer.Option(help="Pairs with one answer: leave out, or count as disagreeing."),
    ] = None,
) -> None:
    """Analyse the answers of a study and write tables, charts and a report.

    What was planned is taken from plan.json beside the responses.
    """
    from analysis.commands.report import ReportRequest
    from analysis.commands.report import report as run

    request = ReportRequest(
        responses,
        questionnaire,
        reference,
        test,
        confidence_level,
        None if incomplete is None else incomplete.value,
    )
    print(run(request, out, _progress))


@app.command()
def table(
    counts: Annotated[Path, typer.Argument(help="A square table of counts as CSV.")],
    confidence_level: Level = 0.95,
    as_json: AsJson = False,
) -> None:
    """Print every agreement statistic of one table of counts."""
    from analysis.commands.table import table as run

    print(run(counts, confidence_level=confidence_level, as_json=as_json))


@app.command()
def recover(
    agree: Annotated[int, typer.Option(help="Number of pairs that agree.")],
    rows: Annotated[str | None, typer.Option(help="Row totals: 113,4,23")] = None,
    columns: Annotated[str | None, typer.Option(help="Column totals.")] = None,
    kappa_ci: Annotated[
        str | None,
        typer.Option(help="Interval of kappa as printed, with its digits: 0.207,0.517"),
    ] = None,
    by_reader: Annotated[
        Path | None,
        typer.Option(help="CSV with the counts of each reader, as table_s2.csv."),
    ] = None,
    confidence_level: Level = 0.95,
    as_json: AsJson = False,
) -> None:
    """List all tables that fit printed totals, agreements and interval of kappa."""
    from analysis.commands.recover import Known
    from analysis.commands.recover import recover as run

    known = Known(
        rows=_whole_numbers(rows, "--rows") if rows else None,
        columns=_whole_numbers(columns, "--columns") if columns else None,
        n_agree=agree,
        kappa_interval=_limits(kappa_ci) if kappa_ci else None,
        by_reader=by_reader,
        confidence_level=confidence_level,
    )
    print(run(known, as_json=as_json))


@app.command()
def power(
    kappa: options.Kappa = None,
    null: options.Null = None,
    alpha: options.Alpha = None,
    wanted: options.Wanted = None,
    readers: options.Readers = None,
    cases: options.Cases = None,
    icc: options.Icc = 0.0,
    counts: options.Counts = None,
    design: options.Design = None,
    shares: options.Shares = None,
    patient_correlation: options.PatientCorrelation = None,
    reader_correlation: options.ReaderCorrelation = None,
    margin: options.Margin = None,
    repetitions: options.Repetitions = None,
    seed: options.Seed = None,
    jobs: options.Jobs = 1,
    out: options.Out = None,
    as_json: AsJson = False,
) -> None:
    """Power, pairs needed and detectable kappa; of a design, readers and cases."""
    given = options.parsed(
        {
            "kappa": kappa,
            "null": null,
            "alpha": alpha,
            "power": wanted,
            "readers": readers,
            "cases": cases,
            "shares": shares,
            "patient_correlation": patient_correlation,
            "reader_correlation": reader_correlation,
            "margin": margin,
            "repetitions": repetitions,
            "seed": seed,
        }
    )
    if not options.asks_for_a_design(given, design, of_pairs=bool(icc or counts)):
        from analysis.commands.power import power_of_pairs

        print(power_of_pairs(given, icc, counts, out, as_json=as_json))
        return
    from analysis.commands.design_request import read_request
    from analysis.commands.power_design import design_power

    request = read_request(design, given)
    print(design_power(request, out, jobs=jobs, as_json=as_json, progress=_progress))


def _progress(step: str) -> None:
    print(f"  {step}", file=sys.stderr)


def _whole_numbers(text: str, option: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        msg = f"{option} must be whole numbers with commas between, got {text!r}"
        raise InputError(msg) from error


def _limits(text: str) -> tuple[str, str]:
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 2:
        msg = f"--kappa-ci must be two numbers with a comma between, got {text!r}"
        raise InputError(msg)
    return parts[0], parts[1]


def _fail(message: str) -> int:
    print(f"magic-analyze: {message}", file=sys.stderr)
    return 2
