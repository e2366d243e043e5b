"""How the product is cut: `python -m benchmarks.structure`."""

from pathlib import PurePosixPath

import pytest

from benchmarks.structure import measure, working_tree

TOY = {
    PurePosixPath(path): text
    for path, text in {
        "analysis/__init__.py": '"""Agreement."""\n',
        "analysis/tables.py": "import math\n\nPI = math.pi\n",
        "analysis/kappa.py": "from analysis.tables import (\n    PI,\n)\n",
        "analysis/report/page.py": "def f():\n    from analysis import kappa\n",
        "app/main.py": "import streamlit\n",
    }.items()
}


def test_what_is_counted():
    structure = measure(TOY)

    assert structure.files == 5
    assert structure.lines == 1 + 3 + 3 + 2 + 1
    assert structure.median == 2
    # A statement counts with all its lines, also inside a function.
    assert structure.import_lines == 1 + 3 + 1 + 1
    assert (structure.largest_folder, structure.in_largest) == ("analysis", 3)
    assert structure.lines_per_file == 2
    assert structure.imports_per_1000 == pytest.approx(600)


def test_a_file_that_one_neighbour_imports_is_counted():
    # `tables` serves `kappa` alone; `kappa` serves another folder.
    assert measure(TOY).single_use == 1


def test_a_package_is_measured_by_itself():
    assert measure(TOY, "app").lines == 1


@pytest.fixture(scope="module")
def product():
    return measure(working_tree())


@pytest.mark.slow
def test_a_file_is_an_idea_and_not_a_fragment_of_one(product):
    assert product.lines_per_file >= 130


@pytest.mark.slow
def test_few_lines_are_imports(product):
    assert product.imports_per_1000 < 65


@pytest.mark.slow
def test_a_folder_fits_a_page(product):
    assert product.in_largest <= 20, product.largest_folder
