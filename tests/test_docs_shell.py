"""Blocks of the docs for a shell run too, on stand-ins for what only a hospital has.

Left out are programs that are not ours; nginx, PostgreSQL and what `deploy` writes for
them are in `tests/app/deployment`.
"""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy.engine import make_url

from magic_model.data.cohort import read_cohort
from magic_model.data.volume import Kind
from magic_model.phantom.generate import make_cohort
from magic_model.phantom.patient import Contents
from tests.analysis.test_accuracy_command import as_csv, as_imrmc, simulated
from tests.app.deployment import conftest as deployed
from tests.app.material import build
from tests.magic_model.inference.tiny import write_head_dicom
from tests.pages import PAGES, ROOT, blocks, name_of, program_calls
from tests.typing_commands import typed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

postgres = deployed.postgres
database = deployed.database


@pytest.fixture
def study_database(database, monkeypatch):
    """The pages' `postgresql:///study`, by what PostgreSQL's own variables say."""
    url = make_url(database)
    monkeypatch.setenv("PGHOST", str(url.query["host"]))
    monkeypatch.setenv("PGUSER", url.username)
    return f"postgresql:///{url.database}"


@dataclass
class StandIns:
    """What a page takes as there, made in a folder, and what is written instead."""

    folder: Path
    instead: dict[str, str] = field(default_factory=dict)

    def renew(self):
        """Give each block the study as built, and nothing that another one wrote."""
        for name in ("STUDY", "deployed"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        if (self.folder / "built").exists():
            shutil.copytree(self.folder / "built" / "STUDY", self.folder / "STUDY")

    def of(self, line):
        for text, instead in self.instead.items():
            line = line.replace(text, instead)
        return line


def hosted(folder, page, database):
    """A study that is built, an empty database, the file of accounts of the page."""
    (folder / "built").mkdir()
    build(folder / "built", size=(300, 200))
    accounts = folder / "accounts.toml"
    accounts.write_text(blocks(page, "toml")[0], encoding="utf-8")
    accounts.chmod(0o600)
    return StandIns(
        folder,
        {
            "/srv/study": str(folder),
            "postgresql:///study": database,
            "/etc/magic-app": str(folder),
            "/var/lib/magic-app": str(folder),
        },
    )


def trained(folder, page, _):
    """Digital patients laid out as ISLES24, the page's recipe in small, a CT series."""
    cohort = make_cohort(folder / "phantom", 6, 1, contents=Contents(exact=True))
    for number, patient in enumerate(read_cohort(folder / "phantom").patients, 1):
        name = f"sub-stroke{number:04}"
        for kind in (Kind.NCCT, Kind.CBF, Kind.CBV, Kind.MTT, Kind.TMAX):
            top, at, of_map = "raw_data", f"{name}/ses-01", ""
            if kind is not Kind.NCCT:
                top, at, of_map = "derivatives", f"{at}/perfusion-maps", "space-ncct_"
            place = folder / "ISLES24" / top / at
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy(
                cohort.folder / patient.images[kind],
                place / f"{name}_ses-01_{of_map}{kind}.nii.gz",
            )
    recipe = blocks(page, "toml")[0].replace('base = "magic"', 'base = "tiny"')
    recipe += "[training]\nepochs = 1\n"
    (folder / "isles24.toml").write_text(recipe, encoding="utf-8")
    write_head_dicom(folder / "CT", np.random.default_rng(0))
    return StandIns(folder, {"--device cuda": "--device cpu", "--jobs 8": "--jobs 2"})


def rated(folder, page, _):
    """Ratings of six readers under two methods, as a table and as iMRMC has them."""
    rows = simulated(readers=[f"reader{n}" for n in range(6)])
    as_csv(folder / "ratings.csv", rows)
    as_imrmc(folder / "ratings.imrmc", rows)
    return StandIns(folder)


MADE = {
    "docs/how-to/compare-accuracy.md": rated,
    "docs/how-to/host-a-study.md": hosted,
    "docs/how-to/train-and-generate.md": trained,
}


def shell_blocks(page):
    """The calls of our programs in each sh block that has some."""
    for block in blocks(page, "sh"):
        lines = block.replace("\\\n", " ").splitlines()
        if any(list(program_calls(line)) for line in lines):
            yield lines


def test_every_page_with_such_blocks_is_run():
    assert {name_of(page) for page in PAGES if list(shell_blocks(page))} == set(MADE)


@pytest.mark.parametrize("page", MADE)
def test_shell_blocks_run(page, typed_here, capsys, study_database):
    stand_ins = MADE[page](typed_here, ROOT / page, study_database)
    for lines in shell_blocks(ROOT / page):
        stand_ins.renew()
        for line in lines:
            for words in program_calls(stand_ins.of(line)):
                typed(words, [], typed_here, capsys)
