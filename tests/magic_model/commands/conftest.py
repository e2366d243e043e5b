import pytest

from magic_model.cli import main
from magic_model.data.nifti import write_nifti
from tests.magic_model.data.conftest import make_head
from tests.magic_model.inference.tiny import (
    small_recipe,
    write_checkpoint,
    write_head_cohort,
)

RECIPE = """
name = "least"

[data]
size = 32

[generator]
family = "residual"
levels = 1
width = 4
patch = 2
norm = "group"

[adversarial]
width = 2
per_map = false

[training]
epochs = 2
batch_size = 4
learning_rate = 1e-3
"""


@pytest.fixture(scope="session")
def cohort(tmp_path_factory):
    """P1 to train on, P2 to validate with, P3 to test on; ten slices each."""
    return write_head_cohort(tmp_path_factory.mktemp("heads"))


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory):
    """The folder of a run with a checkpoint that is quick."""
    return write_checkpoint(tmp_path_factory.mktemp("run"), small_recipe()).parent


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "least.toml"
    path.write_text(RECIPE)
    return path


@pytest.fixture
def command(capsys):
    """Run a command that works, and give what it prints."""

    def run(*arguments):
        status = main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        assert status == 0, printed.err
        return printed.out

    return run


@pytest.fixture
def refusal(capsys):
    """Run a command that must not work, and give the one sentence it says."""

    def run(*arguments):
        assert main([str(argument) for argument in arguments]) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        said = printed.err.strip()  # a progress bar that goes leaves its line
        assert said.startswith("magic-model: ")
        assert len(said.splitlines()) == 1
        return said

    return run


@pytest.fixture
def scan(tmp_path):
    """A head of 8 mm slices, as a file."""
    path = tmp_path / "scan.nii.gz"
    write_nifti(make_head().ncct, path)
    return path


@pytest.fixture
def generated(command, run_folder, tmp_path):
    """Generate into one folder; give what was printed and the folder."""

    def run(source, *options, out="out", checkpoint=run_folder):
        told = ["--checkpoint", checkpoint, "--input", source, "--out", tmp_path / out]
        return command("generate", *told, *options), tmp_path / out

    return run
