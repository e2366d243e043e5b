"""Write a study as others take it: a folder, and the folder as one file."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, time
from pathlib import Path

from analysis.api import ArmsStudy, Study
from analysis.deposit import codebook, crate, odm, redcap
from analysis.deposit.crate import Described
from analysis.deposit.readings import Deposited, deposited, ratings_of
from analysis.deposit.recomputed import Recomputed
from analysis.report.writing import OutputError, complete_or_untouched
from reader_study.formats import rating

READINGS = "data/study-readings_data.csv"
RATINGS = "data/study-ratings_data.csv"
_AGAIN = "| analysis/ | the headline computed again: `Rscript analysis/analysis.R` |"
_RATING_LABELS = {
    "modality": "Method that made the picture",
    "truth": "1 if the case is diseased, 0 if not",
    "rating": "How sure the reader was of disease, more is surer",
}


def write_deposit(
    study: Study | ArmsStudy,
    folder: Path,
    about: Described,
    *,
    texts: bool = False,
    reader_names: bool = False,
) -> str:
    """Write the folder, and beside it `<folder>.zip`.

    Args:
        study: As `analysis.read_study` gives it.
        folder: Where to; it must not be there, or be empty.
        about: What the archive is told.
        texts: With the reasons that readers wrote; they may name somebody.
        reader_names: With the readers' own names, not R1, R2, ...

    Returns:
        SHA-256 of the zip file.

    Raises:
        OutputError: If the folder holds something or cannot be made; then nothing is
            written.
    """
    packed = folder.with_name(f"{folder.name}.zip")
    if (folder.is_dir() and any(folder.iterdir())) or packed.exists():
        held = packed if packed.exists() else folder
        msg = f"A deposit needs a new folder, got {held}, which is there already"
        raise OutputError(msg)
    deposit = deposited(study, texts=texts, reader_names=reader_names)
    _, why = ratings_of(study, deposit)
    remark = _remark(deposit, why, reader_names=reader_names)
    about = replace(about, remark=remark)
    with complete_or_untouched(folder) as staging:
        for name, text in _files(study, deposit, about):
            path = staging / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        described = crate.crate_text(staging, about)
        (staging / crate.CRATE_FILE).write_text(described, encoding="utf-8")
    return crate.write_zip(folder, packed)


def _files(
    study: Study | ArmsStudy, deposit: Deposited, about: Described
) -> Iterable[tuple[str, str]]:
    columns = list(codebook.variables(deposit))
    ratings, _ = ratings_of(study, deposit)
    yield READINGS, deposit.text()
    if ratings is not None:
        yield RATINGS, ratings
        known = {one.name for one in columns}
        columns += [
            codebook.Variable(name, _RATING_LABELS[name], "number")
            for name in rating.COLUMNS
            if name not in known
        ]
    yield "codebook.csv", codebook.codebook_text(deposit)
    yield "materials/questionnaire.json", deposit.questionnaire.to_json()
    if isinstance(study, Study):
        again = Recomputed(study, deposit)
        yield "analysis/analysis.R", again.script
        yield "analysis/analysis.qmd", again.document
        yield "analysis/expected.csv", again.expected
    yield "redcap/dictionary.csv", redcap.dictionary_text(deposit)
    yield "redcap/records.csv", redcap.records_text(deposit)
    made = datetime.combine(datetime.fromisoformat(about.day), time(), UTC)
    yield "odm.xml", odm.odm_text(deposit, about.title, made)
    yield crate.PSYCH_DS_FILE, crate.psych_ds_text(about, columns)
    yield "README.md", _readme(deposit, about, recomputed=isinstance(study, Study))


def _readme(deposit: Deposited, about: Described, *, recomputed: bool) -> str:
    readers = len({row["reader"] for row in deposit.rows})
    cases = len({row["case"] for row in deposit.rows})
    lines = [
        f"# {' '.join(about.title.split())}",
        "",
        f"{len(deposit.rows)} readings of {cases} cases by {readers} readers under "
        f"{', '.join(deposit.methods)}. {about.remark} Research use only.",
        "",
        "| file | content |",
        "|---|---|",
        f"| {READINGS} | one row for each reading |",
        "| codebook.csv | what its columns and codes mean |",
        "| materials/questionnaire.json | what readers were asked |",
        *([_AGAIN] if recomputed else []),
        "| redcap/ | data dictionary and records for REDCap |",
        "| odm.xml | the same as CDISC ODM 1.3.2 |",
        f"| {crate.PSYCH_DS_FILE}, {crate.CRATE_FILE} | for archives |",
        "",
        f"Licence: {about.terms}.",
    ]
    return "\n".join([*lines, ""])


def _remark(deposit: Deposited, no_ratings: str | None, *, reader_names: bool) -> str:
    said = []
    if deposit.simulated:
        said.append("The readings are simulated: nobody read a picture.")
    if deposit.reconstructed:
        said.append(
            "The readings are reconstructed from printed tables: which case an answer "
            "belongs to is arbitrary."
        )
    if no_ratings:
        said.append(f"Ratings beside the truth are left out: {no_ratings}.")
    named = "their own names" if reader_names else "other names than in the study"
    return " ".join([*said, f"Readers have {named}."])
