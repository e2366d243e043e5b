"""A study of three cases with real pictures, for the tests of the pages."""

import csv

import numpy as np
from PIL import Image

from reader_study.building.builder import BuildRequest, build_study
from reader_study.formats.protocol import template
from reader_study.running.access import issue_code
from reader_study.running.lifecycle import open_for_reading
from reader_study.running.registry import Profile, add_reader

READERS = ("anna", "ben")
GOOD = {"Q1": 1, "Q2A": 1, "Q2B": 1, "Q2C": 1, "Q2D": 1, "Q3": 2, "Q4": 4}
TITLE = "Perfusion maps of <b>two</b> methods"
PROTOCOL = (
    template()
    .replace("none = 7", "none = 1")
    .replace("mild_moderate = 6", "mild_moderate = 1")
    .replace("severe = 7", "severe = 1")
    .replace("min_distance = 3", "min_distance = 0")
    .replace("number = 7", "number = 2")
    .replace("Perfusion maps of two methods, read blinded in two trials", TITLE)
)


def draw_noise(size, block=1):
    """Give a function that draws noise in squares of some pixels."""
    rng = np.random.default_rng(3)

    def draw():
        shape = (-(-size[1] // block), -(-size[0] // block), 3)
        coarse = rng.integers(0, 256, shape, dtype=np.uint8)
        fine = coarse.repeat(block, axis=0).repeat(block, axis=1)
        return fine[: size[1], : size[0]]

    return draw


def build(folder, protocol=PROTOCOL, size=(900, 700), draw=None, write_volume=None):
    """Build STUDY of drawn pictures, and of volumes if they are; it is not open yet."""
    draw = draw or draw_noise(size)
    with (folder / "cases.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        columns = ["case", "severity", "reference_image", "test_image"]
        kinds = ("reference_volume", "test_volume") if write_volume else ()
        writer.writerow([*columns, *kinds])
        for n, severity in enumerate(("none", "mild_moderate", "severe")):
            images = [f"{method}_{n}.png" for method in ("acquired", "generated")]
            for image in images:
                Image.fromarray(draw()).save(folder / image)
            volumes = [f"{kind}_{n}.npz" for kind in kinds]
            for volume in volumes:
                write_volume(folder / volume)
            writer.writerow([f"patient-{n:03}", severity, *images, *volumes])
    (folder / "study.toml").write_text(protocol)
    build_study(
        BuildRequest(
            protocol=folder / "study.toml",
            cases=folder / "cases.csv",
            out=folder / "STUDY",
            key=folder / "KEY",
            passphrases=("a long passphrase",),
        )
    )
    return folder / "STUDY"


def admit(room):
    """Add the readers and give a code to each."""
    codes = {}
    for name in READERS:
        profile = Profile(name, "neuroradiologist", 12)
        add_reader(room.study, room.store, profile, by="coordinator", clock=room.clock)
        codes[name] = issue_code(room.store, name, by="coordinator", clock=room.clock)
    return codes


def open_study_of(room):
    """Let readers begin."""
    open_for_reading(room.study, room.store, by="coordinator", clock=room.clock)
