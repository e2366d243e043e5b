"""Browser pages of a reader study: reading room, monitor, explorer.

Examples:
    >>> import app
    >>> app.serve_reading_room("STUDY", port=8501)  # doctest: +SKIP
    >>> room = app.open_room("STUDY")  # doctest: +SKIP
    >>> app.find_reader_view(room, "anna").stage  # doctest: +SKIP

Names are imported when they are first used, so that this import is quick and needs
neither Streamlit nor a database. What is not in `__all__` is internal and may change.
"""

# ruff: noqa: PTH120  pathlib would take as long as all the rest of this import

from importlib import import_module
from importlib.machinery import PathFinder
from os.path import dirname, realpath

_MODULES = {
    "Accounts": "oidc.accounts",
    "COORDINATOR": "accounts",
    "Deployment": "deployment",
    "READER": "accounts",
    "ReaderView": "reader_view",
    "Room": "room",
    "Stage": "reader_view",
    "draw_montage": "demo",
    "find_reader_view": "reader_view",
    "make_demo": "demo",
    "new_code": "demo",
    "open_room": "room",
    "read_accounts": "oidc.accounts",
    "serve_explorer": "api",
    "serve_monitor": "api",
    "serve_reading_room": "api",
    "settings": "configuration",
    "write_deployment": "deployment",
}
"""Where each public name is defined."""

__all__ = [
    "COORDINATOR",
    "READER",
    "Accounts",
    "Deployment",
    "ReaderView",
    "Room",
    "Stage",
    "__version__",
    "draw_montage",
    "find_reader_view",
    "make_demo",
    "new_code",
    "open_room",
    "read_accounts",
    "serve_explorer",
    "serve_monitor",
    "serve_reading_room",
    "settings",
    "write_deployment",
]


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("magic-ctp")
    if name not in _MODULES:
        msg = f"module {__name__!r} from {__file__} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(f"app.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _require_own(package: str) -> None:
    """Refuse a folder or file of somebody else's that has the name of a package.

    Raises:
        ImportError: If Python finds another one first.
    """
    spec, home = PathFinder.find_spec(package), dirname(dirname(realpath(__file__)))
    found = realpath(spec.origin) if spec and spec.origin else ""
    if found and dirname(dirname(found)) != home:
        msg = (
            f"{package} must be the package in {home}, got {found}; rename that, or "
            "run from another folder"
        )
        raise ImportError(msg, name=package, path=found)


for _package in ("reader_study", "magic_model"):
    _require_own(_package)
