"""The authors' public slices, one patient left out at a time.

python -m benchmarks.public_sample FOLDER --work sample [--recipe few] [--epochs 120]
    [--only PATIENT ...]

FOLDER holds the montages of the authors' repository. Their grey values are not on fixed
physical ranges, so errors in units mean little; correlation, SSIM and UQI can be read.
Maps are the network's own, without sampled texture. Of each fold it prints the
correlation in the brain of the patient left out and the mean of those trained on, the
error of the former beside that of a constant, the mean of the patients trained on, and
what the training took of a processor. Patients are named as in the repository.
"""

import argparse
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd
import torch

from magic_model.cli import main as magic_model
from magic_model.data.cohort import read_cohort, write_cohort
from magic_model.data.split import Split
from magic_model.evaluation.metric import Metric
from magic_model.evaluation.predictors import CONSTANT


def run_command(name: str, /, *arguments: object, **options: object) -> None:
    """Run a command of `magic-model`; patients that cannot be imported are left out."""
    given = [str(part) for k, v in options.items() for part in (f"--{k}", v)]
    magic_model([name, *map(str, arguments), *given])


def leave_one_out(
    work: Path, recipe: str, epochs: int, names: Mapping[str, str]
) -> None:
    """Train without each of some patients in turn, and generate the maps of all five.

    Each fold has a folder named by the patient left out: its maps in `left-out`, those
    of the patients trained on in `trained`.
    """
    cohort = read_cohort(work / "cohort")
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
        for split, kind in (("test", "left-out"), ("train", "trained")):
            out = work / kind / name
            run_command("generate", "--no-texture", **model, out=out, split=split)


def scores(work: Path, kind: str, names: Iterable[str], method: str) -> pd.DataFrame:
    """Evaluate each fold by its own split, of whose training patients a constant is.

    Returns:
        Rows as `patients.csv` has them, with the fold.
    """
    found = {}
    for name in names:
        out = work / "evaluation" / kind / name
        places = {"cohort": work / "folds" / name, "generated": work / kind / name}
        run_command("evaluate", **places, out=out, seed=0, name=method)
        found[name] = pd.read_csv(out / "patients.csv")
    return pd.concat(found, names=["fold"]).reset_index("fold")


def of_folds(rows: pd.DataFrame, method: str, metric: Metric) -> pd.DataFrame:
    """Average over the patients of a fold: a row for each, a column for each map."""
    mine = rows[(rows["method"] == method) & (rows["metric"] == metric)]
    return mine.pivot_table(index="fold", columns="map", values="value")


def with_mean(
    tables: Mapping[str, pd.DataFrame], names: Mapping[str, str]
) -> pd.DataFrame:
    """Join tables, name patients as in the repository, and add the mean over them."""
    named = pd.concat(tables, axis=1).rename(index=names).sort_index()
    return pd.concat([named, named.mean().rename("mean").to_frame().T]).round(2)


def main() -> None:
    """Import, train, generate, evaluate and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--work", type=Path, default=Path("sample"))
    parser.add_argument("--recipe", default="few")
    parser.add_argument("--epochs", type=int, default=120)
    parser.add_argument("--only", nargs="+", default=[], help="leave out these alone")
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    work = chosen.work
    cohort, link = work / "cohort", work / "link.csv"
    told = {"layout": "magic-sample", "out": cohort, "link": link}
    run_command("import", chosen.folder, **told)
    linked = pd.read_csv(link, index_col="patient_id")["source_id"].sort_values()
    chosen_ones = linked.isin(chosen.only) if chosen.only else linked.notna()
    names = linked[chosen_ones].to_dict()
    leave_one_out(work, chosen.recipe, chosen.epochs, names)
    method = Path(chosen.recipe).stem
    left_out = scores(work, "left-out", names, method)
    trained = scores(work, "trained", names, method)
    r, error = Metric.CORRELATION, Metric.MAE
    alike = {
        "left out": of_folds(left_out, method, r),
        "trained on": of_folds(trained, method, r),
    }
    print(f"\nCorrelation in the brain\n{with_mean(alike, names)}")
    wrong = {each: of_folds(left_out, each, error) for each in (method, CONSTANT)}
    print(f"\nMean absolute error of those left out\n{with_mean(wrong, names)}")


if __name__ == "__main__":
    main()
