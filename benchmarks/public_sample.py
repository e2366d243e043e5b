"""The authors' public slices, one patient left out at a time.

python -m benchmarks.public_sample FOLDER --work sample [--recipe small] [--epochs 200]
    [--only PATIENT ...]

FOLDER holds the montages of the authors' repository. Their grey values are not on fixed
physical ranges, so errors in units mean little; correlation, SSIM and UQI can be read.
Of each fold it prints the correlation in the brain of the patient left out and the mean
of those trained on, and what the training took of a processor. Patients are named as
in the repository.
"""

import argparse
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd
import torch

from magic_model.cli import main as magic_model
from magic_model.data.cohort import GENERATED_FILE, Patient, read_cohort, write_cohort
from magic_model.data.split import Split
from magic_model.evaluation.metric import Metric


def run_command(name: str, /, *arguments: object, **options: object) -> None:
    """Run a command of `magic-model`; patients that cannot be imported are left out."""
    given = [str(part) for k, v in options.items() for part in (f"--{k}", v)]
    magic_model([name, *map(str, arguments), *given])


def leave_one_out(
    work: Path, recipe: str, epochs: int, names: Mapping[str, str]
) -> None:
    """Train without each of some patients in turn, and generate the maps of all five.

    Those of the patient left out come together in `left-out`; those of the patients
    trained on have a folder for each training in `trained`.
    """
    cohort = read_cohort(work / "cohort")
    made: list[Patient] = []
    for left_out in cohort.patients:
        name = left_out.patient_id
        if name not in names:
            continue
        fold = [
            replace(p, split=Split.TEST if p is left_out else Split.TRAIN)
            for p in cohort.patients
        ]
        # Another table beside the same images; each fold has a folder of links.
        folder = work / "folds" / name
        folder.mkdir(parents=True, exist_ok=True)
        for patient in cohort.patients:
            link = folder / patient.patient_id
            if not link.exists():
                link.symlink_to((work / "cohort" / patient.patient_id).resolve())
        write_cohort(folder, fold)
        run = work / "runs" / name
        before = time.process_time()
        run_command("train", cohort=folder, out=run, recipe=recipe, epochs=epochs)
        spent = time.process_time() - before
        print(f"Without {names[name]}: {spent:.0f} s of a processor", flush=True)
        model = {"checkpoint": run, "input": folder}
        run_command("generate", **model, out=work / "left-out", split="test")
        run_command("generate", **model, out=work / "trained" / name, split="train")
        made += read_cohort(work / "left-out", GENERATED_FILE).patients
    write_cohort(work / "left-out", made, GENERATED_FILE)


def correlations(evaluation: Path, recipe: str) -> pd.DataFrame:
    """Read the correlation in the brain, a row for each patient, a column for a map."""
    scores = pd.read_csv(evaluation / "patients.csv")
    mine = scores[
        (scores["method"] == recipe) & (scores["metric"] == Metric.CORRELATION)
    ]
    return mine.pivot_table(index="patient_id", columns="map", values="value")


def beside(left_out: pd.DataFrame, trained: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Put each patient left out beside the mean of those trained on without it."""
    means = pd.DataFrame({name: each.mean() for name, each in trained.items()}).T
    both = pd.concat({"left out": left_out, "trained on": means}, axis=1)
    return pd.concat([both, both.mean().rename("mean").to_frame().T])


def main() -> None:
    """Import, train, generate, evaluate and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--work", type=Path, default=Path("sample"))
    parser.add_argument("--recipe", default="small")
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--only", nargs="+", default=[], help="leave out these alone")
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    work = chosen.work
    cohort, link = work / "cohort", work / "link.csv"
    told = {"layout": "magic-sample", "out": cohort, "link": link}
    run_command("import", chosen.folder, **told)
    names = pd.read_csv(link, index_col="patient_id")["source_id"].sort_values()
    if chosen.only:
        names = names[names.isin(chosen.only)]
    leave_one_out(work, chosen.recipe, chosen.epochs, names.to_dict())
    method = Path(chosen.recipe).stem

    def evaluate(generated: Path, out: Path) -> pd.DataFrame:
        given = {"cohort": cohort, "generated": generated, "out": out, "seed": 0}
        run_command("evaluate", **given, name=method)
        return correlations(out, method)

    trained = {
        folder.name: evaluate(folder, work / "evaluation" / folder.name)
        for folder in sorted((work / "trained").iterdir())
    }
    left_out = evaluate(work / "left-out", work / "evaluation" / "left-out")
    table = beside(left_out, trained).rename(index=names)
    print(f"\nCorrelation in the brain\n{table.sort_index().round(2)}")


if __name__ == "__main__":
    main()
