"""How a reading room is to be deployed; pure."""

import re
from dataclasses import dataclass

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
