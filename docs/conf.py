"""Settings of the site: `make docs` builds it into site/, and a warning fails it."""

import importlib
import inspect
import sys
import tomllib
from functools import cache
from pathlib import Path

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.pycode import ModuleAnalyzer

_PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"

project = "magic-ctp"
release = tomllib.loads(_PYPROJECT.read_text("utf-8"))["project"]["version"]

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
]
templates_path = ["_templates"]
exclude_patterns = ["**/.ipynb_checkpoints"]
default_role = "code"  # docstrings write names between single backticks
nitpicky = True
nitpick_ignore_regex = [("py:.*", ".*")]  # types of other packages have no page here
suppress_warnings = [
    "misc.highlighting_failure",  # JSON with ... for what is left out
    "ref.python",  # packages may export the same name
]

myst_heading_anchors = 4

autosummary_generate = False
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
napoleon_numpy_docstring = False

nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_execution_timeout = 300
nb_merge_streams = True

html_theme = "pydata_sphinx_theme"
html_title = project
html_sourcelink_suffix = ""  # so that a notebook is downloaded as one
html_sidebars = {page: [] for page in ("index", "tutorial", "limits")}
html_theme_options = {
    "announcement": "Research use only; not for diagnosis.",
    "navbar_end": ["theme-switcher"],
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc", "download"],
    "footer_start": ["release"],
    "footer_end": [],
}

PACKAGES = ("analysis", "reader_study", "magic_model", "app")
HEADINGS = ("Functions", "Classes", "Errors", "Values")


def _kind(named: object) -> tuple[str, str]:
    """Return the heading under which a public name is listed, and its directive."""
    if inspect.isclass(named):
        error = issubclass(named, BaseException)
        return ("Errors", "exception") if error else ("Classes", "class")
    return ("Functions", "function") if inspect.isroutine(named) else ("Values", "data")


def _definition(named: type) -> str:
    """Return where a class or function is defined."""
    return f"{named.__module__}.{named.__qualname__}"


@cache
def _exported() -> dict[str, str]:
    """Return the public name of everything exported, by where it is defined.

    Of two packages that export one thing, the one that defines it counts.
    """
    names: dict[str, str] = {}
    for package in PACKAGES:
        module = importlib.import_module(package)
        for name in getattr(module, "__all__", ()):
            named = getattr(module, name)
            if hasattr(named, "__qualname__"):
                definition = _definition(named)
                if definition.startswith(f"{package}.") or definition not in names:
                    names[definition] = f"{package}.{name}"
    return names


def _value(package: str, name: str) -> str:
    """Return the entry of a value, described where its module defines it."""
    lines: list[str] = []
    for module in [m for m in sys.modules if m.startswith(f"{package}.")]:
        if name in vars(sys.modules[module]):
            found = ModuleAnalyzer.for_module(module).find_attr_docs()
            lines = found.get(("", name), lines)
    return f".. py:data:: {name}\n\n" + "".join(f"   {line}\n" for line in lines)


def _entry(package: str, name: str) -> str:
    """Return the reStructuredText that describes a public name."""
    named = getattr(importlib.import_module(package), name)
    heading, kind = _kind(named)
    if heading == "Values":
        return _value(package, name)
    elsewhere = _exported()[_definition(named)]
    if elsewhere != f"{package}.{name}":
        return f".. py:{kind}:: {name}\n\n   The same as :py:obj:`{elsewhere}`.\n"
    members = "   :members:\n" if heading == "Classes" else ""
    return f".. auto{kind}:: {name}\n{members}"


def _section(package: str, heading: str, names: list[str]) -> str:
    """Return the Markdown of one heading: a table of the names, then each of them."""
    table = ["", ".. autosummary::", "   :nosignatures:", ""]
    table += [f"   {name}" for name in names]
    entries = [_entry(package, name) for name in names]
    head = [f".. currentmodule:: {package}", *(table if heading != "Values" else [])]
    body = "\n".join([*head, "", *entries])
    return f"\n## {heading}\n\n```{{eval-rst}}\n{body}\n```\n"


def api_page(package: str) -> str:
    """Return the Markdown of what a package offers, from its `__all__`."""
    module = importlib.import_module(package)
    headings: dict[str, list[str]] = {name: [] for name in HEADINGS}
    for name in getattr(module, "__all__", ()):
        named = getattr(module, name)
        if not name.startswith("__") and not inspect.ismodule(named):
            headings[_kind(named)[0]].append(name)
    return "".join(
        _section(package, h, names) for h, names in headings.items() if names
    )


def _add_api(_app: Sphinx, docname: str, source: list[str]) -> None:
    """Complete the pages of docs/api, each named like its package."""
    if docname.startswith("api/"):
        source[0] += api_page(docname.removeprefix("api/"))


def _link_exported(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, inner: nodes.TextElement
) -> nodes.Element | None:
    """Link a type in a signature to its page, under the name that it is exported by."""
    target = _exported().get(str(node.get("reftarget")))
    if node.get("refdomain") != "py" or target is None:
        return None
    domain, page = env.get_domain("py"), node["refdoc"]
    return domain.resolve_xref(env, page, app.builder, "obj", target, node, inner)


def _skip_field(
    _app: Sphinx, _what: str, _name: str, named: object, *_: object
) -> bool | None:
    """Leave out the fields of a NamedTuple, which its docstring describes."""
    return True if type(named).__name__ == "_tuplegetter" else None


def setup(app: Sphinx) -> None:
    """Connect what makes the pages of docs/api."""
    app.connect("source-read", _add_api)
    app.connect("missing-reference", _link_exported)
    app.connect("autodoc-skip-member", _skip_field)
