"""A small study whose readers scroll through stacks."""

import csv
import json

import numpy as np

from tests.reader_study.material import COUNTS, write_cases
from tests.reader_study.practising import PRACTISING, write_training

SHAPE = (3, 4, 5)
NCCT = {"name": "NCCT", "unit": "HU", "dtype": "int16", "low": 0, "high": 80}
CBF = {"name": "CBF", "unit": "mL/100g/min", "dtype": "uint8", "low": 0, "high": 60}
PANELS = [NCCT | {"colours": ""}, CBF | {"colours": "00ff7f" * 256}]
STACK = PRACTISING + '\n[reading]\nviewer = "stack"\nrequire_all_slices = true\n'


def write_volume(path, rng, panels=PANELS, shape=SHAPE):
    """Write the volume of a case: noise."""
    limits = {"int16": (-1024, 3000), "uint8": (0, 256)}
    arrays = {
        f"panel_{n}": rng.integers(*limits[p["dtype"]], shape).astype(p["dtype"])
        for n, p in enumerate(panels)
    }
    path.parent.mkdir(exist_ok=True)
    about = np.array(json.dumps({"panels": panels}))
    np.savez(path, affine=np.diag([0.8, 0.8, 5, 1]), about=about, **arrays)


def write_stacks(folder):
    """Write three cases and a training, all with volumes."""
    rng = np.random.default_rng(5)
    path = write_cases(folder, dict.fromkeys(COUNTS, 1), spare=0)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        for method in ("reference", "test"):
            name = f"volumes/{row['case']}_{method}.npz"
            row[f"{method}_volume"] = name
            write_volume(folder / name, rng)
    _write(path, rows)
    write_training(folder)
    with (folder / "training.csv").open(newline="") as file:
        rows = [
            row | {"volume": f"volumes/{row['case']}.npz"}
            for row in csv.DictReader(file)
        ]
    for row in rows:
        write_volume(folder / row["volume"], rng)
    _write(folder / "training.csv", rows)


def _write(path, rows):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
