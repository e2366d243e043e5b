"""Docs are true: commands print what is shown, links lead somewhere."""

import importlib
import inspect
import re
import shlex
import subprocess
import sys
from contextlib import chdir

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from analysis.multireader import Pairs
from tests.command_reference import reference
from tests.pages import (
    DOCS,
    NOTEBOOKS,
    PAGES,
    PROGRAMS,
    REFERENCE,
    ROOT,
    anchors,
    blocks,
    command_of,
    commands,
    inline_calls,
    links,
    listed_pages,
    name_of,
    program_calls,
    shell_lines,
    text_of,
)
from tests.typing_commands import typed

_LOADED = re.compile(r'<(?:script|link|img)[^>]*?(?:src|href)="([^"]+)"')
README = ROOT / "README.md"  # its Python uses the files of `make demo`: test_demo.py
WRITTEN = [page for page in PAGES if page != REFERENCE]


def pages_with(found):
    return pytest.mark.parametrize(
        "page", [p for p in WRITTEN if found(p)], ids=name_of
    )


def test_pages_are_found():
    assert len(PAGES) > 10
    assert sum(len(list(commands(page))) for page in PAGES) > 8


@pytest.mark.slow
@pytest.mark.timeout(900)
@pages_with(lambda page: list(commands(page)))
def test_commands_run_and_print_what_is_shown(page, typed_here, monkeypatch, capsys):
    monkeypatch.setenv("MAGIC_STUDY_PASSPHRASE", "correct horse battery staple")
    for command, shown in commands(page):
        typed(shlex.split(command), shown, typed_here, capsys)


def given():
    """What the pages' Python takes as there: the answers of a study of 7 x 20."""
    rng = np.random.default_rng(0)
    reader, case = np.divmod(np.arange(140), 20)
    severity = rng.normal(size=20)[case]
    drawn = [severity + 0.7 * rng.normal(size=140) for _ in range(2)]
    reference, test = (np.digitize(values, (-0.8, 0, 0.8)) + 1 for values in drawn)
    return {
        "pairs": Pairs.from_labels(reader, case, reference, test, (1, 2, 3, 4)),
        "answers": np.concatenate([reference, test]),
        "is_test": np.repeat([0, 1], 140),
        "reader": np.tile(reader, 2),
        "case": np.tile(case, 2),
    }


@pytest.mark.slow
@pytest.mark.timeout(300)
@pages_with(lambda page: page != README and blocks(page, "python"))
def test_python_runs(page, tmp_path):
    # Fewer digital patients than the page has, for time.
    code = "\n".join(blocks(page, "python")).replace(
        "plan_cohort(24,", "plan_cohort(4,"
    )
    with chdir(tmp_path):
        exec(code, given())  # noqa: S102


@pytest.mark.slow
def test_the_reference_is_what_the_commands_say():
    assert text_of(REFERENCE) == reference(), "run `make docs`"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The built site, its notebooks not run; a warning fails it."""
    folder = tmp_path_factory.mktemp("docs") / "site"
    call = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going"]
    call += ["-D", "nb_execution_mode=off"]
    built = subprocess.run(
        [*call, DOCS, folder], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert built.returncode == 0, built.stderr
    return folder


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_site_has_every_page(site):
    for page in (*DOCS.rglob("*.md"), *NOTEBOOKS):
        assert (site / page.relative_to(DOCS).with_suffix(".html")).exists(), page


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_site_loads_nothing_from_elsewhere(site):
    for page in site.rglob("*.html"):
        assert not [url for url in _LOADED.findall(text_of(page)) if "//" in url], page


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("package", ["analysis", "app", "magic_model", "reader_study"])
def test_the_site_describes_what_a_package_exports(site, package):
    page = text_of(site / "api" / f"{package}.html")
    front = importlib.import_module(package)
    described = {
        name
        for name in front.__all__
        if not name.startswith("__") and not inspect.ismodule(getattr(front, name))
    }

    assert described
    assert not {name for name in described if f'id="{package}.{name}"' not in page}


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=name_of)
def test_a_notebook_runs(notebook, tmp_path):
    content = nbformat.read(notebook, as_version=4)
    where = {"metadata": {"path": tmp_path}}

    NotebookClient(content, timeout=300, resources=where).execute()


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=name_of)
def test_a_notebook_is_stored_without_what_it_printed(notebook):
    for cell in nbformat.read(notebook, as_version=4).cells:
        assert not cell.get("outputs")
        assert not cell.get("execution_count")


def test_the_site_lists_every_page():
    listed = {page for inside in DOCS.rglob("*.md") for page in listed_pages(inside)}

    assert listed | {DOCS / "index.md"} == {*DOCS.rglob("*.md"), *NOTEBOOKS}


@pages_with(lambda page: list(shell_lines(page)))
def test_shell_lines_parse(page):
    for line in shell_lines(page):
        for words in program_calls(line):
            command, options, rest = command_of(words)
            assert command is not PROGRAMS[words[0]], line
            unknown = {
                w.partition("=")[0] for w in rest if w.startswith("--")
            } - options
            assert not unknown, (line, unknown)
            with command.make_context(words[0], rest):
                pass


@pages_with(inline_calls)
def test_commands_named_in_sentences_exist(page):
    for call in inline_calls(page):
        command, options, rest = command_of(call.split())
        named = {w.partition("=")[0].strip(",") for w in rest if w.startswith("--")}
        is_program = command is PROGRAMS[call.split()[0]]
        assert not is_program or rest[0].startswith("--"), call
        assert named <= options, (call, named - options)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page):
    for file, anchor in links(page):
        target = page.parent / file if file else page
        assert target.exists(), file
        on_site = target.suffix != ".md" or DOCS in target.resolve().parents
        assert on_site or DOCS not in page.parents, f"{file} is no page of the site"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), (file, anchor)


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_readme_names_every_command(program):
    readme = text_of(README)
    for command in PROGRAMS[program].commands:
        assert f"{program} {command}" in readme or f"`{command}`" in readme, command
