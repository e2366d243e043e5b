"""The authors' public slices, one patient left out at a time.

python -m benchmarks.public_sample FOLDER --work sample [--recipe tiny] [--epochs 20]

FOLDER holds the montages of the authors' repository. Their grey values are not on fixed
physical ranges, so errors in units mean little; correlation, SSIM and UQI can be read.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import torch

from magic_model.cli import main as magic_model
from magic_model.data.cohort import GENERATED_FILE, read_cohort, write_cohort
from magic_model.data.split import Split


def run_command(name: str, /, *arguments: object, **options: object) -> None:
    """Run a command of `magic-model`; patients that cannot be imported are left out."""
    given = [str(part) for k, v in options.items() for part in (f"--{k}", v)]
    magic_model([name, *map(str, arguments), *given])


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
        out = work / "generated"
        run_command("train", cohort=folder, out=run, recipe=recipe, epochs=epochs)
        run_command("generate", checkpoint=run, input=folder, out=out, split="test")
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
    cohort = work / "cohort"
    run_command("import", chosen.folder, layout="magic-sample", out=cohort)
    leave_one_out(work, chosen.recipe, chosen.epochs)
    run_command(
        "evaluate",
        cohort=cohort,
        generated=work / "generated",
        out=work / "evaluation",
        name=chosen.recipe,
        seed=0,
    )


if __name__ == "__main__":
    main()
