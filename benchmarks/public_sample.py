"""The authors' public slices, one patient left out at a time.

python -m benchmarks.public_sample FOLDER --work sample [--recipe tiny] [--epochs 20]

FOLDER holds the montages of the authors' repository. Their grey values are not on fixed
physical ranges, so errors in units mean little; correlation, SSIM and UQI can be read.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import torch

from magic_model.commands.evaluate import evaluate
from magic_model.commands.generate import GenerateRequest, generate
from magic_model.commands.importing import ImportRequest, import_data
from magic_model.commands.train import TrainRequest, run_training
from magic_model.data.cohort import GENERATED_FILE, read_cohort, write_cohort
from magic_model.data.split import Split


def leave_one_out(work: Path, recipe: str, epochs: int) -> None:
    """Train without each patient in turn, and generate that patient's maps."""
    cohort = read_cohort(work / "cohort")
    made = []
    for left_out in cohort.patients:
        name = left_out.patient_id
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
        print(
            run_training(
                TrainRequest(recipe=recipe, cohort=folder, out=run, epochs=epochs)
            )
        )
        out = work / "generated"
        generate(GenerateRequest(checkpoint=run, source=folder, out=out, split="test"))
        made += read_cohort(out, GENERATED_FILE).patients
    write_cohort(work / "generated", made, GENERATED_FILE)


def main() -> None:
    """Import, train, generate, evaluate and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--work", type=Path, default=Path("sample"))
    parser.add_argument("--recipe", default="tiny")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    work = chosen.work
    request = ImportRequest(
        "magic-sample", chosen.folder, work / "cohort", 0, 1, None, register=False
    )
    import_data(request)
    leave_one_out(work, chosen.recipe, chosen.epochs)
    out = work / "evaluation"
    print(evaluate(work / "cohort", [work / "generated"], out, [chosen.recipe], seed=0))


if __name__ == "__main__":
    main()
