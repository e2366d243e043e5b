"""A training for the tests: two cases in a study of three."""

import csv

import numpy as np
from PIL import Image

from reader_study.formats.protocol import template
from tests.reader_study.material import COUNTS, montage

TABLE = [
    ["case", "image", "Q1", "Q1_feedback", "Q3", "Q3_feedback"],
    ["practice-1", "practice/first.png", "1", "", "2", "Look at the left side."],
    ["practice-2", "practice/second.png", "", "Either may be said.", "", ""],
]
SMALL = template().replace("min_distance = 3", "min_distance = 1")
for _severity, _count in COUNTS.items():
    SMALL = SMALL.replace(f"{_severity} = {_count}", f"{_severity} = 1")
SMALL = SMALL.replace("number = 7", "number = 2")
PRACTISING = SMALL.replace('cases = "" ', 'cases = "training.csv"').replace(
    "skippable = false", "skippable = true"
)


def write_training(folder, rows=TABLE):
    """Write training.csv and its pictures beside the protocol."""
    (folder / "practice").mkdir(exist_ok=True)
    rng = np.random.default_rng(11)
    for name in ("first", "second"):
        Image.fromarray(montage(rng)).save(folder / "practice" / f"{name}.png")
    with (folder / "training.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
