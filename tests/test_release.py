"""The release: one version everywhere; the wheel runs without the source tree."""

import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

from analysis.cli import main as analyze
from app.cli import main as reading_room
from magic_model.cli import main as model
from reader_study.cli import main as study
from tests.pages import ROOT
from tests.serving import free_port, served

MAIN = {
    "magic-analyze": analyze,
    "magic-app": reading_room,
    "magic-model": model,
    "magic-study": study,
}
PACKAGES = {"analysis", "app", "magic_model", "reader_study"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[
    "project"
]


def test_the_newest_released_changes_are_of_this_version():
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## (?!Unreleased$)(\S+)", changes, re.MULTILINE)

    assert newest[1] == PROJECT["version"]


def test_the_citation_is_of_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))

    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"]
    assert citation["title"] == PROJECT["name"]


def test_classifiers_name_what_was_tried():
    systems = [c for c in PROJECT["classifiers"] if c.startswith("Operating System")]

    assert systems == ["Operating System :: POSIX :: Linux"]


@pytest.mark.parametrize("program", MAIN)
def test_a_program_says_its_version(program, capsys, monkeypatch):
    monkeypatch.setattr("importlib.metadata.version", lambda name: f"<{name}>")

    assert MAIN[program](["--version", "no-such-command"]) == 0
    assert capsys.readouterr().out == f"{program} <magic-ctp>\n"


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """A folder with the sdist, and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("released")
    call = [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT]
    built = subprocess.run(call, check=False, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    assert "warning" not in (built.stdout + built.stderr).lower()
    return folder


@pytest.fixture(scope="module")
def wheel(released):
    (found,) = released.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """An environment with the wheel; other packages are lent, no source tree."""
    folder = tmp_path_factory.mktemp("fresh") / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / "bin" / "python"
    install = ["install", "--quiet", "--no-deps", "--no-index", wheel]
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, *install], check=True
    )
    own = sysconfig.get_path("purelib", vars={"base": str(folder)})
    # After its own packages, and without the .pth files that lie there: one of them
    # would bring the source tree back.
    lent = sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
    Path(own, "lent.pth").write_text("\n".join(lent) + "\n", encoding="utf-8")
    return folder / "bin"


@pytest.fixture
def outside():
    """Variables of a shell that knows no source tree and reaches no network."""
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("PYTHON", "COV_"))}
    nowhere = "http://127.0.0.1:9"
    return kept | {
        "http_proxy": nowhere,
        "https_proxy": nowhere,
        "no_proxy": "127.0.0.1",
    }


def run(environment, words, folder, env):
    program, *arguments = words
    done = subprocess.run(
        [environment / program, *arguments],
        cwd=folder,
        env=env,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done.stdout


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_wheel_holds_the_packages_whole(wheel):
    held = set(zipfile.ZipFile(wheel).namelist())
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *PACKAGES],  # noqa: S607
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    there = {name for name in tracked if (ROOT / name).exists()}

    assert "app/.streamlit/config.toml" in there
    assert {Path(name).suffix for name in there} >= {
        ".css",
        ".js",
        ".html",
        ".j2",
        ".toml",
    }
    assert there - held == set()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_wheel_holds_nothing_else(wheel):
    held = zipfile.ZipFile(wheel).namelist()
    about = f"magic_ctp-{PROJECT['version']}.dist-info"

    assert {name.partition("/")[0] for name in held} == PACKAGES | {about}
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(held)
    assert f"{about}/licenses/LICENSE" in held
    assert not [name for name in held if "__pycache__" in name]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_sdist_has_what_is_needed_to_work_on_it(released):
    (sdist,) = released.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}

    assert {"pyproject.toml", "Makefile", "constraints.txt", "LICENSE"} <= held
    assert {"tests/test_release.py", "benchmarks/run_all.py", "docs/index.md"} <= held
    assert not [name for name in held if name.startswith((".venv", "demo/", "site/"))]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_what_is_imported_is_what_was_installed(environment, tmp_path, outside):
    printed = []
    for package in sorted(PACKAGES):
        said = f"import {package}; print({package}.__file__)"
        printed.append(run(environment, ["python", "-c", said], tmp_path, outside))

    for file in printed:
        assert Path(file).is_relative_to(environment.parent), file


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("program", MAIN)
def test_an_installed_program_says_its_version(program, environment, tmp_path, outside):
    printed = run(environment, [program, "--version"], tmp_path, outside)

    assert printed == f"{program} {PROJECT['version']}\n"


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("call", "made"),
    [
        ("magic-analyze reproduce --out out", "out/report.html"),
        ("magic-model phantom --patients 1 --out cohort", "cohort/cohort.csv"),
        ("magic-study init", "study.toml"),
        (
            "magic-app deploy out --host a.example.org --study /srv/study/STUDY",
            "out/magic-app.conf",
        ),
    ],
)
def test_an_installed_program_runs(call, made, environment, tmp_path, outside):
    run(environment, call.split(), tmp_path, outside)

    assert (tmp_path / made).stat().st_size > 0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_installed_reading_room_opens(environment, tmp_path, outside):
    port = free_port()
    call = [environment / "magic-app", "read", "--demo", "--port", str(port)]
    with served(call, port, tmp_path, outside) as (page, printed):
        assert "<html" in page

    assert f"http://127.0.0.1:{port}" in printed
