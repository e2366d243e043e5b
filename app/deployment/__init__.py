"""Files that put the reading room behind nginx and under systemd, and copy it."""

import base64
import hashlib
import re
import shutil
import tempfile
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import Annotated

import typer

from app.configuration import LAST_PORT, StrPath, as_path
from reader_study.errors import StudyError

_HOST = re.compile(r"(?!-)[a-z0-9.-]{1,253}(?<![.-])")
_PATH = re.compile(r"/[\w./+-]+", re.ASCII)
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_URL = re.compile(r"[\w:/?&=.,%@+~-]*", re.ASCII)
_PASSWORD = re.compile(r"//[^/@]*:[^/@]*@|[?&]password=")
_MOST_PROCESSES = 64


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """Where and how studies are served; what is here needs no quotes in any file.

    The fields are the options of `magic-app deploy`, with the help that it prints.
    """

    host: Annotated[str, typer.Option(help="Name by which browsers know the server.")]
    study: Annotated[str, typer.Option(help="Folder of the study on the server.")]
    more: Annotated[
        list[str] | None,
        typer.Option(help="A further study of the same server. Repeatable."),
    ] = None
    database: Annotated[
        str, typer.Option(help="URL without a password; else the study's.")
    ] = ""
    processes: Annotated[int, typer.Option(help="How many serve readers.")] = 2
    first_port: Annotated[int, typer.Option(help="Port of the first.")] = 8501
    https_port: Annotated[int, typer.Option(help="Port of nginx.")] = 443
    http_port: Annotated[int, typer.Option(help="Sends browsers to HTTPS.")] = 80
    certificate: Annotated[str, typer.Option(help="PEM file with the chain.")] = (
        "/etc/ssl/magic-app/fullchain.pem"
    )
    certificate_key: Annotated[str, typer.Option(help="PEM file.")] = (
        "/etc/ssl/magic-app/privkey.pem"
    )
    logs: Annotated[str, typer.Option(help="Folder of nginx.")] = "/var/log/nginx"
    program: Annotated[str, typer.Option(help="This command, on the server.")] = (
        "/opt/reading-room/bin/magic-app"
    )
    user: Annotated[str, typer.Option(help="Who runs it.")] = "magic-app"
    oidc: Annotated[
        str, typer.Option(help="File of hospital accounts on the server.")
    ] = ""

    def __post_init__(self) -> None:
        _require("host", self.host, _HOST, "a name such as reading.example.org")
        _require("user", self.user, _USER, "the name of a user")
        _require("database", self.database, _URL, "a URL without quotes or spaces")
        paths = ["certificate", "certificate_key", "logs", "program"]
        named = [
            (name, getattr(self, name)) for name in paths + ["oidc"] * bool(self.oidc)
        ]
        for name, value in [*(("study", s) for s in self.studies), *named]:
            _require(name, value, _PATH, "a path from / without spaces or quotes")
        self._require_shareable()
        if _PASSWORD.search(self.database):
            msg = "database must leave the password to PGPASSFILE, got one in the URL"
            raise StudyError(msg)
        for name in ("processes", "first_port", "https_port", "http_port"):
            _require_whole(name, getattr(self, name))
        if not 1 <= self.processes <= _MOST_PROCESSES:
            msg = f"processes must be 1 to {_MOST_PROCESSES}, got {self.processes}"
            raise StudyError(msg)
        nginx = (self.https_port, self.http_port)
        used = (*nginx, *self.process_ports, self.monitor_port)
        if min(used) < 1 or max(used) > LAST_PORT or len(set(used)) < len(used):
            msg = f"Ports must be different, 1 to {LAST_PORT}, got {used}"
            raise StudyError(msg)

    def _require_shareable(self) -> None:
        """Refuse what several studies of one server cannot have in common."""
        if len({name.replace("/", "-") for name in self.studies}) < len(self.studies):
            msg = (
                f"Studies must differ, also with - for /, got {' '.join(self.studies)}"
            )
            raise StudyError(msg)
        if len(self.studies) > 1 and self.oidc:
            msg = f"oidc must be given with one study, got {len(self.studies)}"
            raise StudyError(msg)
        if len(self.studies) > 1 and self.database.startswith("sqlite"):
            msg = (
                "database of several studies must be PostgreSQL's, or be left out for "
                f"a file in each, got {self.database}"
            )
            raise StudyError(msg)

    @property
    def studies(self) -> tuple[str, ...]:
        """Folders of all studies on the server."""
        return (self.study, *(self.more or ()))

    @property
    def process_ports(self) -> tuple[int, ...]:
        """Ports of the processes that serve readers."""
        return tuple(range(self.first_port, self.first_port + self.processes))

    @property
    def monitor_port(self) -> int:
        """Port of the coordinator's process."""
        return self.first_port + self.processes

    @property
    def authority(self) -> str:
        """Host, with the port where browsers need one."""
        port = self.https_port
        return self.host if port == 443 else f"{self.host}:{port}"


def _require(name: str, value: object, pattern: re.Pattern[str], what: str) -> None:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        msg = f"{name} must be {what}, got {value!r}"
        raise StudyError(msg)


_SCRIPTS = ("magic-app-backup", "magic-app-restore")
NAMES = (
    "magic-app.conf",
    "magic-app.env",
    "magic-app.target",
    "magic-app@.service",
    "magic-app-monitor.service",
    *_SCRIPTS,
)
_PLACE = re.compile(r"@([A-Z_]+)@")
_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_SECRET = "/var/lib/magic-app/cookie-secret"  # noqa: S105


def write_deployment(
    folder: Annotated[StrPath, typer.Argument(help="New folder for the files.")],
    deployment: Deployment,
) -> str:
    """Write files for nginx and systemd into a folder; install nothing.

    All files are written, or none; nothing outside the folder is touched.

    Args:
        folder: New folder for the files.
        deployment: Where and how the study is served.

    Returns:
        What was written.

    Raises:
        StudyError: If the folder is there already or cannot be made.
        TypeError: If `folder` is no path, or `deployment` no deployment.
    """
    folder = as_path(folder, "folder")
    _require_deployment(deployment)
    if folder.exists():
        msg = f"{folder} must be a new folder, got one that is there"
        raise StudyError(msg)
    content = filled_in(deployment)
    try:
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        try:
            for name, text in content.items():
                (draft / name).write_text(text, encoding="utf-8")
            for name in _SCRIPTS:
                (draft / name).chmod(0o755)
            draft.chmod(0o755)
            draft.rename(folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except OSError as error:
        msg = f"{folder} cannot be written: {error.strerror}"
        raise StudyError(msg) from error
    ports = ", ".join(str(port) for port in deployment.process_ports)
    lines = [f"{folder}: {len(content)} files for https://{deployment.authority}"]
    lines += [f"Processes on ports {ports}; the monitor on {deployment.monitor_port}."]
    return "\n".join([*lines, "Each file says on top where it goes."])


def filled_in(deployment: Deployment) -> dict[str, str]:
    """Return the content of each file by its name."""
    values = _values(deployment)
    return {name: _fill(_template(name), values) for name in NAMES}


def security_policy(authority: str, page: str) -> str:
    """Return what a browser may load: nothing but what the reading room serves.

    Scripts of the room's own parts reach the page as `blob:`, and Streamlit writes
    styles into it; for its inline script a hash stands.

    Args:
        authority: Host, and port if not 443.
        page: Streamlit's page, as served.
    """
    hashes = [
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in _INLINE_SCRIPT.findall(page)
    ]
    rules = {
        "default-src": ["'none'"],
        "script-src": ["'self'", "blob:", *hashes],
        "style-src": ["'self'", "'unsafe-inline'"],
        "img-src": ["'self'", "data:", "blob:"],
        "font-src": ["'self'", "data:"],
        "connect-src": ["'self'", f"wss://{authority}"],
        "manifest-src": ["'self'"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
    return "; ".join(f"{name} {' '.join(allowed)}" for name, allowed in rules.items())


def _require_whole(name: str, value: object) -> None:
    if not isinstance(value, int):
        msg = f"{name} must be a whole number, got {value!r}"
        raise StudyError(msg)


def _require_deployment(given: object) -> None:
    if not isinstance(given, Deployment):
        msg = f"deployment must be a Deployment, got {given!r}"
        raise TypeError(msg)


def _values(d: Deployment) -> dict[str, str]:
    page = files("streamlit").joinpath("static/index.html").read_text("utf-8")
    values = {
        "AUTHORITY": d.authority,
        "HOST": d.host,
        "HTTPS_PORT": str(d.https_port),
        "HTTP_PORT": str(d.http_port),
        "UPSTREAMS": "\n".join(_upstream(port) for port in d.process_ports),
        "CERTIFICATE": d.certificate,
        "CERTIFICATE_KEY": d.certificate_key,
        "LOGS": d.logs,
        "STUDIES": " ".join(d.studies),
        "URL": d.database,
        "BIN": str(PurePosixPath(d.program).parent),
        "DATABASE": f"--database {d.database}" if d.database else "",
        "READ": f"--allowed-host {d.host} --secret-file {_SECRET}"
        + (f" --oidc {d.oidc}" if d.oidc else ""),
        "ACCOUNTS": _template("accounts.txt") if d.oidc else "",
        "USER": d.user,
        "PROGRAM": d.program,
        "MONITOR_PORT": str(d.monitor_port),
        "INSTANCES": " ".join(f"magic-app@{port}.service" for port in d.process_ports),
    }
    policy = {"POLICY": security_policy(d.authority, page)}
    return values | {
        "HEADERS": _fill(_template("headers.txt"), policy),
        "HARDENING": _template("hardening.txt") + _access(d),
    }


def _upstream(port: int) -> str:
    return f"    server 127.0.0.1:{port} max_fails=1 fail_timeout=5s;"


def _access(d: Deployment) -> str:
    """Let a process write to a study's folder where its database is there."""
    which = "ReadOnlyPaths" if d.database else "ReadWritePaths"
    return f"\n{which}={' '.join(d.studies)}"


def _template(name: str) -> str:
    return files("app.deployment").joinpath(name).read_text("utf-8").rstrip("\n")


def _fill(template: str, values: dict[str, str]) -> str:
    return _PLACE.sub(lambda place: values[place[1]], template) + "\n" * (
        not template.endswith("\n")
    )
