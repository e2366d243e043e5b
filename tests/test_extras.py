"""A plain installation names the extra that a command needs, in one sentence."""

import subprocess
import sys
import tomllib

import pytest

from tests.pages import ROOT

# Distribution -> package that is imported, where the names differ.
PACKAGE = {"pillow": "PIL", "scikit-learn": "sklearn", "simpleitk": "SimpleITK"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[
    "project"
]


def packages(requirements):
    names = {r.partition(">")[0].partition("[")[0].lower() for r in requirements}
    return {PACKAGE.get(name, name) for name in names - {"magic-ctp"}}


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

class Plain:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Plain())
from {module}.cli import main
sys.exit(main({arguments!r}))
"""


def run_plain(module, arguments, folder):
    """Run a command where the packages of all extras are missing."""
    code = RUN.format(blocked=sorted(OPTIONAL), module=module, arguments=arguments)
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
