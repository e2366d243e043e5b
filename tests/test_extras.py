"""What a plain installation runs, what an extra adds, and who names what is missing."""

import subprocess
import sys
from functools import cache
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.reader_study.material import write_cases

RUN = """
import sys
from importlib.machinery import PathFinder

class Installed(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.partition(".")[0] not in {blocked!r}:
            return super().find_spec(name, path, target)

sys.meta_path[:] = [Installed if f is PathFinder else f for f in sys.meta_path]
from {module}.cli import main
sys.exit(main({arguments!r}))
"""


@cache
def blocked_without(extras):
    """Names that cannot be imported after `pip install magic-ctp[extras]`."""
    brought = installed_with(extras)
    return sorted(
        name
        for name, distributions in metadata.packages_distributions().items()
        if not brought & {canonicalize_name(d) for d in distributions}
    )


def installed_with(extras):
    """Distributions that pip installs, with all that those need in turn."""
    waiting = [("magic-ctp", wanted) for wanted in (*extras, "")]
    seen = set()
    while waiting:
        asked = waiting.pop()
        if asked in seen:
            continue
        seen.add(asked)
        name, wanted = asked
        for text in metadata.requires(name) or ():
            needed = Requirement(text)
            if needed.marker and not needed.marker.evaluate({"extra": wanted}):
                continue
            waiting += [(needed.name, extra) for extra in (*needed.extras, "")]
    return {canonicalize_name(name) for name, _ in seen}


def run_with(module, line, folder, *extras):
    """Run a command where nothing but these extras is installed."""
    code = RUN.format(
        blocked=blocked_without(extras), module=module, arguments=line.split()
    )
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_a_plain_installation_is_one():
    plain = blocked_without(())
    assert {"torch", "pydicom", "SimpleITK", "onnxruntime", "pytest"} <= set(plain)
    assert not {"streamlit", "nibabel", "sqlalchemy", "magic_model"} & set(plain)
    assert "torch" not in blocked_without(("model",))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "line", "extra"),
    [
        ("magic_model", "train --cohort c --out o", "model"),
        ("magic_model", "export --checkpoint c --out o.onnx", "model"),
        ("app", "pilo --checkpoint c --input i", "model"),
    ],
)
def test_the_extra_is_named(module, line, extra, tmp_path):
    done = run_with(module, line, tmp_path)

    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stderr.endswith(f" is not installed; install magic-ctp[{extra}]\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("analysis", "power --power 0.8"),
        ("reader_study", "init"),
        ("magic_model", "--help"),
        ("app", "--help"),
    ],
)
def test_a_plain_installation_runs(module, line, tmp_path):
    done = run_with(module, line, tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_plain_installation_makes_a_phantom(tmp_path):
    done = run_with("magic_model", "phantom --patients 1 --out cohort", tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_plain_installation_recomputes_the_paper(tmp_path):
    done = run_with("analysis", "reproduce --out out", tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_plain_installation_runs_a_study_to_its_report(tmp_path, monkeypatch):
    monkeypatch.setenv("MAGIC_STUDY_PASSPHRASE", "correct horse battery staple")
    write_cases(tmp_path)
    for line in (
        "init study.toml",
        "build study.toml --cases cases.csv --out STUDY --key KEY",
        "simulate STUDY --key KEY --kappa 0.6",
        "lock STUDY --by Eve",
        "unblind STUDY --key KEY --name Eve --name Max --reason test --out out",
    ):
        done = run_with("reader_study", line, tmp_path)
        assert done.returncode == 0, (line, done.stderr)
    done = run_with("analysis", "report out/responses.csv --out report", tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.timeout(600)  # it loads torch, trains and generates, each anew
def test_the_network_needs_no_more_than_the_extra_model(tmp_path):
    for line in (
        "phantom --severities 2,1,1 --out cohort",
        "train --recipe tiny --epochs 1 --cohort cohort --out run",
        "generate --checkpoint run --input cohort --out generated",
        "montage --cohort cohort --generated generated --split all --slices 2 --out m",
        "evaluate --cohort cohort --generated generated --out evaluated",
    ):
        done = run_with("magic_model", line, tmp_path, "model")
        assert done.returncode == 0, (line, done.stderr)
