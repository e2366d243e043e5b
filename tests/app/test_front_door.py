"""What `import app` offers."""

import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

import app

BAD = {
    "draw_montage": (lambda f: f("terrible", np.random.default_rng(0)), "terrible"),
    "find_reader_view": (lambda f: f(None, "anna"), "room must be a Room, got None"),
    "make_demo": (lambda f: f(3), "folder must be a path, got 3"),
    "new_code": (lambda f: f(3), "must be a path, got 3"),
    "open_room": (lambda f: f("/nowhere"), "/nowhere must be a built study"),
    "read_accounts": (lambda f: f("/nowhere.toml"), "/nowhere.toml must be a readable"),
    "serve_explorer": (lambda f: f(checkpoint=3, source="a.nii"), "got 3"),
    "serve_monitor": (lambda f: f("/nowhere"), "/nowhere must be a built study"),
    "serve_reading_room": (lambda f: f("/nowhere"), "/nowhere must be a built study"),
    "settings": (lambda f: f(0), "port must be a whole number from 1 to 65535, got 0"),
    "write_deployment": (lambda f: f("new", {}), "must be a Deployment, got {}"),
}
"""By name of a public function a call that cannot work, and what it must say."""


def test_every_public_function_has_a_bad_call_here():
    functions = {
        name
        for name in app.__all__
        if callable(getattr(app, name)) and not isinstance(getattr(app, name), type)
    }
    assert functions == set(BAD)


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_work_is_said_in_a_sentence(name):
    call, said = BAD[name]
    with pytest.raises((ValueError, TypeError)) as caught:
        call(getattr(app, name))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "given",
    [{"host": 3}, {"host": "a b"}, {"processes": "two"}, {"processes": 0}],
    ids=str,
)
def test_a_deployment_that_cannot_be_is_refused(given):
    (name,) = given
    with pytest.raises(ValueError, match=f"{name} must be .*, got {given[name]!r}"):
        app.Deployment(**{"host": "a.example.org", "study": "/srv/STUDY"} | given)


def test_all_names_are_there_and_listed():
    assert all(getattr(app, name) is not None for name in app.__all__)
    assert set(app.__all__) <= set(dir(app))
    with pytest.raises(AttributeError, match=r"module 'app' from .* has no attribute"):
        _ = app.nothing
    project = tomllib.loads(
        (Path(app.__file__).parents[1] / "pyproject.toml").read_text("utf-8")
    )
    assert app.__version__ == project["project"]["version"]


def test_the_import_is_light():
    code = "import sys, app; print(sorted(m for m in sys.modules if '.' not in m))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout
    for heavy in ("streamlit", "sqlalchemy", "numpy", "typer", "reader_study"):
        assert f"'{heavy}'" not in loaded


def test_a_folder_of_ones_own_that_shadows_a_package_is_named(tmp_path):
    (tmp_path / "reader_study").mkdir()
    (tmp_path / "reader_study" / "__init__.py").write_text("")
    failed = subprocess.run(
        [sys.executable, "-c", "import app"],
        capture_output=True, text=True, cwd=tmp_path, check=False,
    )  # fmt: skip

    assert failed.returncode == 1
    last = failed.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: reader_study must be the package in ")
    assert f"got {tmp_path / 'reader_study' / '__init__.py'}" in last
