"""Files that put the reading room behind nginx and under systemd."""

import base64
import hashlib
import re
import shutil
import tempfile
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from reader_study.errors import StudyError

_HOST = re.compile(r"(?!-)[a-z0-9.-]{1,253}(?<![.-])")
_PATH = re.compile(r"/[\w./+-]+", re.ASCII)
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_URL = re.compile(r"[\w:/?&=.,%@+~-]*", re.ASCII)
_PASSWORD = re.compile(r"//[^/@]*:[^/@]*@|[?&]password=")
_MOST_PROCESSES = 64
_LAST_PORT = 65535


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """Where and how a study is served; what is here needs no quotes in any file."""

    study: str
    """Folder of the built study, on the server."""

    host: str
    """Name by which browsers know the server."""

    database: str = ""
    """URL without a password; empty for the study's own."""

    processes: int = 2
    """How many serve readers; one more serves the coordinator."""

    first_port: int = 8501
    """Of the first process, on the loopback; the others follow."""

    ports: tuple[int, int] = (443, 80)
    """Of nginx, for HTTPS and for HTTP."""

    certificate: str = "/etc/ssl/magic-app/fullchain.pem"
    certificate_key: str = "/etc/ssl/magic-app/privkey.pem"
    logs: str = "/var/log/nginx"
    program: str = "/opt/reading-room/bin/magic-app"
    user: str = "magic-app"
    """Who runs the processes."""

    oidc: str = ""
    """File of hospital accounts, on the server; empty for codes alone."""

    def __post_init__(self) -> None:
        _require("host", self.host, _HOST, "a name such as reading.example.org")
        _require("user", self.user, _USER, "the name of a user")
        _require("database", self.database, _URL, "a URL without quotes or spaces")
        paths = ["study", "certificate", "certificate_key", "logs", "program"]
        for name in paths + ["oidc"] * bool(self.oidc):
            value = getattr(self, name)
            _require(name, value, _PATH, "a path from / without spaces or quotes")
        if _PASSWORD.search(self.database):
            msg = "database must leave the password to PGPASSFILE, got one in the URL"
            raise StudyError(msg)
        if not 1 <= self.processes <= _MOST_PROCESSES:
            msg = f"processes must be 1 to {_MOST_PROCESSES}, got {self.processes}"
            raise StudyError(msg)
        used = (*self.ports, *self.process_ports, self.monitor_port)
        if min(used) < 1 or max(used) > _LAST_PORT or len(set(used)) < len(used):
            msg = f"Ports must be different, 1 to {_LAST_PORT}, got {used}"
            raise StudyError(msg)

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
        return self.host if self.ports[0] == 443 else f"{self.host}:{self.ports[0]}"


def _require(name: str, value: str, pattern: re.Pattern[str], what: str) -> None:
    if not pattern.fullmatch(value):
        msg = f"{name} must be {what}, got {value!r}"
        raise StudyError(msg)


NAMES = (
    "magic-app.conf",
    "magic-app.env",
    "magic-app.target",
    "magic-app@.service",
    "magic-app-monitor.service",
)
_PLACE = re.compile(r"@([A-Z_]+)@")
_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_SECRET = "/var/lib/magic-app/cookie-secret"  # noqa: S105


def filled_in(deployment: Deployment) -> dict[str, str]:
    """Give the content of each file by its name."""
    values = _values(deployment)
    return {name: _fill(_template(name), values) for name in NAMES}


def security_policy(authority: str, page: str) -> str:
    """Give what a browser may load: nothing but what the reading room serves.

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


def _values(d: Deployment) -> dict[str, str]:
    page = files("streamlit").joinpath("static/index.html").read_text("utf-8")
    values = {
        "AUTHORITY": d.authority,
        "HOST": d.host,
        "HTTPS_PORT": str(d.ports[0]),
        "HTTP_PORT": str(d.ports[1]),
        "UPSTREAMS": "\n".join(_upstream(port) for port in d.process_ports),
        "CERTIFICATE": d.certificate,
        "CERTIFICATE_KEY": d.certificate_key,
        "LOGS": d.logs,
        "STUDY": d.study,
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
    """Let a process write to the study's folder where its database is there."""
    which = "ReadOnlyPaths" if d.database else "ReadWritePaths"
    return f"\n{which}={d.study}"


def _template(name: str) -> str:
    return files("app.deployment").joinpath(name).read_text("utf-8").rstrip("\n")


def _fill(template: str, values: dict[str, str]) -> str:
    return _PLACE.sub(lambda place: values[place[1]], template) + "\n" * (
        not template.endswith("\n")
    )


def write_deployment(folder: Path, deployment: Deployment) -> str:
    """Write all files, or none; nothing outside the folder is touched.

    Args:
        folder: New.
        deployment: What to write.

    Returns:
        What was written.

    Raises:
        StudyError: If the folder is there already or cannot be made.
    """
    if folder.exists():
        msg = f"{folder} must be a new folder, got one that is there"
        raise StudyError(msg)
    content = filled_in(deployment)
    try:
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        try:
            for name, text in content.items():
                (draft / name).write_text(text, encoding="utf-8")
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
