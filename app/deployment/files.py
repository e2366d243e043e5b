"""The files of a deployment, filled in."""

import base64
import hashlib
import re
from importlib.resources import files

from app.deployment.plan import Deployment

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
