"""Settings of the site: `make docs` builds it into site/, and a warning fails it."""

import importlib
import inspect
import tomllib
from functools import cache
from pathlib import Path

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

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
autodoc_preserve_defaults = True
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


def _kind(named: object) -> tuple[str, str]:
    """Return the heading under which a public name is listed, and its directive."""
    if inspect.isclass(named):
        error = issubclass(named, BaseException)
        return ("Errors", "autoexception") if error else ("Classes", "autoclass")
    if inspect.isroutine(named):
        return "Functions", "autofunction"
    return "Values", "autodata"


def _section(package: str, heading: str, names: dict[str, str]) -> str:
    """Return the Markdown of one heading: a table of the names, then each of them."""
    table = "\n".join(f"   {name}" for name in names)
    each = "\n".join(
        f".. {directive}:: {name}" + ("\n   :members:" * (heading == "Classes")) + "\n"
        for name, directive in names.items()
    )
    return f"""
## {heading}

```{{eval-rst}}
.. currentmodule:: {package}
.. autosummary::
   :nosignatures:

{table}

{each}
```
"""


def api_page(package: str) -> str:
    """Return the Markdown of what a package offers, from its `__all__`."""
    module = importlib.import_module(package)
    headings: dict[str, dict[str, str]] = {}
    for name in getattr(module, "__all__", ()):
        named = getattr(module, name)
        if not name.startswith("__") and not inspect.ismodule(named):
            heading, directive = _kind(named)
            headings.setdefault(heading, {})[name] = directive
    order = ("Functions", "Classes", "Errors", "Values")
    return "".join(_section(package, h, headings[h]) for h in order if h in headings)


def _add_api(_app: Sphinx, docname: str, source: list[str]) -> None:
    """Complete the pages of docs/api, each named like its package."""
    if docname.startswith("api/"):
        source[0] += api_page(docname.removeprefix("api/"))


@cache
def _exported() -> dict[str, str]:
    """Return the public name of everything exported, by where it is defined."""
    names = {}
    for package in PACKAGES:
        module = importlib.import_module(package)
        for name in getattr(module, "__all__", ()):
            named = getattr(module, name)
            if hasattr(named, "__qualname__"):
                names[f"{named.__module__}.{named.__qualname__}"] = f"{package}.{name}"
    return names


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
