"""`magic-model evaluate`: generated maps judged against measured ones."""

from collections.abc import Sequence
from pathlib import Path

from magic_model.commands.progress import patients_progress
from magic_model.data.cohort import GENERATED_FILE, read_cohort
from magic_model.errors import DataError
from magic_model.evaluation.result import evaluate_selection
from magic_model.evaluation.selection import select
from magic_model.evaluation.writing import PAGE, RESULTS, describe, write_evaluation


def evaluate(
    measured: Path,
    generated: Sequence[Path],
    out: Path,
    names: Sequence[str],
    *,
    seed: int,
    jobs: int = 1,
) -> str:
    """Evaluate one or more generated cohorts and sum up.

    Args:
        measured: Folder with cohort.csv.
        generated: Folders with generated.csv.
        out: Folder for tables, figures and results; complete or untouched.
        names: Name of each method; those of the folders if empty.
        seed: Of the bootstrap.
        jobs: Patients measured at the same time.

    Raises:
        DataError: If names and folders do not match, a table or an image cannot be
            read, nothing can be compared, or `out` cannot be written.
    """
    titles = list(names) or [folder.resolve().name for folder in generated]
    if not titles or len(titles) != len(generated) or len(set(titles)) < len(titles):
        msg = (
            "Each folder of generated maps must have a name of its own, got "
            f"{len(generated)} folders and names {', '.join(titles) or 'none'}"
        )
        raise DataError(msg)
    methods = {
        title: read_cohort(folder, GENERATED_FILE)
        for title, folder in zip(titles, generated, strict=True)
    }
    selection = select(read_cohort(measured), methods)
    with patients_progress("evaluating") as progress:
        evaluation = evaluate_selection(selection, seed, progress, jobs=jobs)
    write_evaluation(evaluation, out)
    return (
        f"{describe(evaluation)}\n"
        f"Tables, figures and {RESULTS} in {out}\n"
        f"Report: {out / PAGE}"
    )
