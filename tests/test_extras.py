"""A plain installation names the extra that a command needs, in one sentence."""

import subprocess
import sys
import tomllib
from importlib import metadata

import pytest
from packaging.requirements import Requirement

from tests.pages import ROOT
from tests.reader_study.material import write_cases

# Distribution -> package that is imported, where the names differ.
PACKAGE = {
    "pillow": "PIL",
    "pyjpegls": "jpeg_ls",
    "pylibjpeg-openjpeg": "openjpeg",
    "python-gdcm": "gdcm",
    "scikit-learn": "sklearn",
    "simpleitk": "SimpleITK",
}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[
    "project"
]


def packages(requirements):
    names = {r.partition(">")[0].partition("[")[0].lower() for r in requirements}
    return {PACKAGE.get(name, name) for name in names - {"magic-ctp"}}


def brought_by(extras):
    """Packages that pip installs for extras, and for what those need in turn."""
    waiting, seen = [Requirement(f"magic-ctp[{','.join(extras)}]")], set()
    while waiting:
        asked = waiting.pop()
        for wanted in asked.extras or {""}:
            if (asked.name, wanted) in seen:
                continue
            seen.add((asked.name, wanted))
            needed = map(Requirement, metadata.requires(asked.name) or ())
            waiting += [
                requirement
                for requirement in needed
                if not requirement.marker
                or requirement.marker.evaluate({"extra": wanted})
            ]
    return {PACKAGE.get(name.lower(), name.lower()) for name, _ in seen}


PLAIN = packages(PROJECT["dependencies"])
OPTIONAL = (
    packages(
        requirement
        for extra, requirements in PROJECT["optional-dependencies"].items()
        if extra not in ("dev", "docs", "oracles")
        for requirement in requirements
    )
    - PLAIN
    - {"PIL", "rich"}
)  # matplotlib and typer bring them
RUN = """
import sys

from importlib.machinery import PathFinder

class Plain(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.partition(".")[0] not in {blocked!r}:
            return super().find_spec(name, path, target)

sys.meta_path[:] = [Plain if f is PathFinder else f for f in sys.meta_path]
from {module}.cli import main
sys.exit(main({arguments!r}))
"""


def run_plain(module, arguments, folder, *extras):
    """Run a command where the packages of all extras but these are missing."""
    blocked = sorted(OPTIONAL - (brought_by(extras) if extras else set()))
    code = RUN.format(blocked=blocked, module=module, arguments=arguments)
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("module", "arguments", "extra"),
    [
        ("magic_model", ["phantom", "--out", "o"], "data"),
        ("magic_model", ["train", "--cohort", "c", "--out", "o"], "model"),
        ("magic_model", ["export", "--checkpoint", "c", "--out", "o.onnx"], "model"),
        (
            "reader_study",
            ["build", "study.toml", "--cases", "c.csv", "--out", "S", "--key", "K"],
            "study",
        ),
        ("reader_study", ["status", "S"], "study"),
        ("reader_study", ["audit", "S"], "study"),
        ("reader_study", ["simulate", "S", "--key", "K"], "study"),
        ("reader_study", ["lock", "S", "--by", "x"], "study"),
        ("app", ["read", "--demo"], "app"),
        ("app", ["read", "S"], "app"),
        ("app", ["monitor", "S"], "app"),
        ("app", ["pilo", "--checkpoint", "c", "--input", "i"], "app"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_the_extra_is_named(module, arguments, extra, tmp_path):
    done = run_plain(module, arguments, tmp_path)

    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1
    assert "is not installed; install magic-ctp[" in done.stderr
    named = done.stderr.partition("[")[2].partition("]")[0].split(",")
    assert extra in named
    assert set(named) <= set(PROJECT["optional-dependencies"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("analysis", ["reproduce", "--help"]),
        ("analysis", ["power", "--power", "0.8"]),
        ("reader_study", ["init"]),
        ("reader_study", ["--help"]),
        ("magic_model", ["--help"]),
        ("app", ["--help"]),
    ],
)
def test_what_needs_no_extra_runs(module, arguments, tmp_path):
    done = run_plain(module, arguments, tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_phantom_needs_no_more_than_the_extra_data(tmp_path):
    arguments = ["phantom", "--patients", "1", "--out", "cohort"]
    done = run_plain("magic_model", arguments, tmp_path, "data")
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_network_needs_no_more_than_the_extra_model(tmp_path):
    for line in (
        "phantom --severities 2,1,1 --out cohort",
        "train --recipe tiny --epochs 1 --cohort cohort --out run",
        "generate --checkpoint run --input cohort --out generated",
        "montage --cohort cohort --generated generated --split all --slices 2 --out m",
        "evaluate --cohort cohort --generated generated --out evaluated",
    ):
        done = run_plain("magic_model", line.split(), tmp_path, "model")
        assert done.returncode == 0, (line, done.stderr)


@pytest.mark.slow
def test_a_study_needs_no_more_than_the_extra_study(tmp_path, monkeypatch):
    monkeypatch.setenv("MAGIC_STUDY_PASSPHRASE", "correct horse battery staple")
    write_cases(tmp_path)
    for line in (
        "init study.toml",
        "build study.toml --cases cases.csv --out STUDY --key KEY",
        "simulate STUDY --key KEY --kappa 0.6",
        "lock STUDY --by Eve",
        "unblind STUDY --key KEY --name Eve --name Max --reason test --out out",
    ):
        done = run_plain("reader_study", line.split(), tmp_path, "study")
        assert done.returncode == 0, (line, done.stderr)
