"""Small montages and studies for the tests of building."""

import csv
from base64 import b64encode

import numpy as np
from PIL import Image

from reader_study.building.builder import BuildRequest
from reader_study.formats.protocol import template

PASSPHRASE = "a long passphrase"  # noqa: S105
COUNTS = {"none": 7, "mild_moderate": 6, "severe": 7}
CANVAS = (40, 30)


def montage(rng):
    """Noise in a black frame."""
    height, width = CANVAS
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    inside = rng.integers(0, 256, (height - 4, width - 4, 3), dtype=np.uint8)
    pixels[2:-2, 2:-2] = inside
    return pixels


def write_cases(folder, counts=COUNTS, spare=1):
    """Write cases.csv with so many cases of each severity and some to spare."""
    rng = np.random.default_rng(1)
    (folder / "montages").mkdir(parents=True)
    path = folder / "cases.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["case", "severity", "reference_image", "test_image"])
        names = [s for s, n in counts.items() for _ in range(n + spare)]
        for number, severity in enumerate(names):
            images = [
                f"montages/case{number:03}_{m}.png" for m in ("acquired", "generated")
            ]
            for image in images:
                Image.fromarray(montage(rng)).save(folder / image)
            writer.writerow([f"patient-{number:03}", severity, *images])
    return path


def paper_text():
    """The protocol in the paper's design."""
    text = (
        template()
        .replace('"balanced"', '"paper"', 1)
        .replace("max_run = 3", "max_run = 0")
    )
    return text.replace('"per_reader"', '"shared"', 1)


def request(folder, text=None, **changes):
    """A request to build a study of 20 cases in a folder."""
    (folder / "study.toml").write_text(text or template())
    values = {
        "protocol": folder / "study.toml",
        "cases": folder / "cases.csv",
        "out": folder / "STUDY",
        "key": folder / "KEY",
        "passphrases": (PASSPHRASE,),
    }
    return BuildRequest(**values | changes)


def written_forms(word):
    """Ways to write a word: plain, in hexadecimal, in base64 at any offset."""
    plain = word.encode()
    forms = {plain, plain.lower(), plain.hex().encode(), plain.hex().upper().encode()}
    for n in range(3):  # without the ends that it shares with its neighbours
        text = b64encode(b"\0" * n + plain + b"\0\0")
        forms.add(text[-(-8 * n // 6) : 8 * (n + len(plain)) // 6])
    return forms
