"""The four packages as a researcher imports them."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGES = ["analysis", "reader_study", "magic_model", "app"]


@pytest.mark.parametrize("name", PACKAGES)
def test_every_public_name_is_there(name):
    package = importlib.import_module(name)

    assert package.__version__
    assert package.__all__
    for public in package.__all__:
        assert getattr(package, public) is not None
    assert set(package.__all__) <= set(dir(package))


@pytest.mark.parametrize("name", PACKAGES)
def test_types_and_names_are_the_same(name):
    package = importlib.import_module(name)
    stub = Path(package.__file__).with_suffix(".pyi")
    typed = {
        alias.asname: node.module
        for node in ast.parse(stub.read_text()).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    modules = {public for public, module in typed.items() if module == name}
    assert {*typed} - modules == {*package.__all__} - {"__version__"}
    for public, module in typed.items():
        assert getattr(package, public) is getattr(
            importlib.import_module(module), public
        )


@pytest.mark.parametrize("name", PACKAGES)
def test_a_name_that_is_not_there_is_told_with_the_file(name):
    package = importlib.import_module(name)
    with pytest.raises(AttributeError, match=r"__init__\.py has no attribute 'kapa'"):
        _ = package.kapa


@pytest.mark.parametrize("name", PACKAGES)
def test_an_import_loads_nothing_heavy(name):
    code = f"import sys, {name}; print(*sys.modules)"
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()

    heavy = {"numpy", "pandas", "torch", "streamlit", "pydantic", "matplotlib", "scipy"}
    assert heavy & set(out) == set()
