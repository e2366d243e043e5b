"""docs/how-to/host-a-study.md, step by step as written, in a Debian that has booted.

It needs root, systemd-nspawn, and a root folder that MAGIC_BOOT_ROOT names, made by

    debootstrap --variant=minbase --include=LIST bookworm ROOT

with LIST systemd,systemd-sysv,dbus,python3,python3-venv,nginx-light,postgresql,adduser,
openssl,curl,iproute2 and the package in its /opt/reading-room, as the page says:

    systemd-nspawn --directory=ROOT --register=no --bind-ro=SOURCES:/source sh -c '
      cp -r /source /tmp/s && cd /tmp/s && python3 -m venv /opt/reading-room &&
      /opt/reading-room/bin/python -m pip install --constraint constraints.txt .'

This code takes the place of that package. The root itself is not changed: what is
written lies over it and is thrown away.
"""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.app.material import build

ROOT = os.environ.get("MAGIC_BOOT_ROOT", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not ROOT, reason="MAGIC_BOOT_ROOT names no root to boot"),
]
CODE = Path(__file__).parents[3]
PAGE = CODE / "docs/how-to/host-a-study.md"
INSTALLED = "/opt/reading-room/lib/python3.11/site-packages"
PACKAGES = ("analysis", "app", "magic_model", "reader_study")
HOST = "reading.example.org"
CURL = f"curl -sk --resolve {HOST}:443:127.0.0.1"
UNITS = "magic-app@8501 magic-app@8502 magic-app-monitor"


class Machine:
    """A Debian that runs in a container with a network of its own."""

    def __init__(self, given):
        binds = [f"--bind-ro={given}:/given"]
        binds += [f"--bind-ro={CODE / p}:{INSTALLED}/{p}" for p in PACKAGES]
        command = [
            "systemd-nspawn", f"--directory={ROOT}", "--boot", "--volatile=overlay",
            "--register=no", "--keep-unit", "--private-network", "--console=pipe",
            f"--machine=reading-{os.getpid()}", *binds,
        ]  # fmt: skip
        with (given / "log").open("w") as out:
            self._nspawn = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )
        deadline = time.monotonic() + 120
        while self._state() != "running":
            if self._nspawn.poll() is not None or time.monotonic() > deadline:
                self.stop()
                pytest.fail(f"no system within 120 s: {self._state()!r}")
            time.sleep(0.5)

    def run(self, script, *, check=True):
        """Run lines of a shell as root; return what they print."""
        done = self._inside(["sh", "-ec", f"cd /given\n{script}"])
        if check and done.returncode:
            pytest.fail(f"{script}\nended with {done.returncode}:\n{done.stdout}")
        return done.stdout

    def wait(self, script, wanted, seconds=90):
        """Wait until a script prints what is wanted; return how long it took."""
        began = time.monotonic()
        while wanted not in (found := self.run(script, check=False)):
            if time.monotonic() - began > seconds:
                pytest.fail(f"{script}\nmust print {wanted!r}, got:\n{found}")
            time.sleep(0.3)
        return time.monotonic() - began

    def stop(self):
        """Pull the plug: all processes of the machine end with its first."""
        for first in self._first():
            os.kill(int(first), signal.SIGKILL)
        self._nspawn.kill()
        self._nspawn.wait()

    def _inside(self, command):
        first = self._first()
        enter = ["nsenter", "-t", first[-1] if first else "0"]
        enter += ["-m", "-u", "-i", "-n", "-p", "-C", "env", "-i"]
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        enter += [f"PATH=/opt/reading-room/bin:{path}", "LANG=C.UTF-8"]
        return subprocess.run(
            [*enter, *command],
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )

    def _first(self):
        place = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children")
        return place.read_text().split() if place.exists() else []

    def _state(self):
        return self._inside(["systemctl", "is-system-running"]).stdout.strip()


def blocks(heading):
    """Return the shell lines of a section of the page, block by block."""
    section = PAGE.read_text().split(f"## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    """A machine with a study and a certificate, and nothing done yet."""
    place = tmp_path_factory.mktemp("booted")
    place.chmod(0o755)
    build(place, size=(300, 200))
    machine = Machine(place)
    machine.run(
        "mkdir -p /etc/ssl/magic-app && cd /etc/ssl/magic-app && openssl req -x509 "
        f"-newkey rsa:2048 -nodes -subj /CN={HOST} -days 2 -keyout privkey.pem "
        "-out fullchain.pem 2>&1"
    )
    yield machine
    machine.stop()


def test_the_page_as_written_serves_the_room_and_brings_it_back(machine):
    first, second = blocks("Several hospitals")[:2]
    printed = machine.run(first)
    assert "eve" in printed
    machine.run(f"cp -a /given /root/w; cd /root/w\n{second}")
    page = f"{CURL} -o /dev/null -w '%{{http_code}}\\n' https://{HOST}/"
    machine.wait(page, "200")
    states = machine.run(f"systemctl is-active {UNITS} nginx")
    assert states.split() == ["active"] * 4

    headers = machine.run(f"{CURL} -I https://{HOST}/").lower()
    for name in ("strict-transport-security", "content-security-policy"):
        assert name in headers
    for path in ("_stcore/metrics", "media/x"):
        assert machine.run(page + path).strip() == "404"
    machine.wait("ss -ltnH | grep -c ':850[0-9] '", "3")
    listening = machine.run("ss -ltnH").split("\n")
    own = [line.split()[3] for line in listening if re.search(r":850\d ", line)]
    assert sorted(own) == [f"127.0.0.1:{port}" for port in (8501, 8502, 8503)]
    code = f"curl -s -H 'Host: {HOST}' -o /dev/null -w %{{http_code}} http://127.0.0.1:"
    machine.wait("curl -s -o /dev/null -w %{http_code} http://127.0.0.1:8503/", "200")

    # It may answer that processes were gone before they were killed.
    machine.run("systemctl kill -s KILL magic-app@8501", check=False)
    took = machine.wait("systemctl show -p NRestarts --value magic-app@8501", "1")
    machine.wait(f"{code}8501/", "200")
    print(f"killed process back after {took:.1f} s")


def test_copies_and_updates_as_written(machine):
    printed = machine.run(f"cd /root/w\n{blocks('Copies')[0]}")
    copy = printed.strip().split("\n")[-1]
    assert copy.startswith("/var/backups/study/")
    machine.run(f"cd {copy} && test -s study.dump && sha256sum --check SHA256SUMS")
    machine.run("systemctl stop magic-app.target 'magic-app@*' magic-app-monitor")
    states = machine.run(f"systemctl is-active {UNITS}", check=False)
    assert states.split() == ["inactive"] * 3
    page = f"{CURL} https://{HOST}/"
    assert "502 Bad Gateway" not in machine.run(page)
    machine.run("systemctl start magic-app.target")
    machine.wait(f"{page} -o /dev/null -w '%{{http_code}}'", "200")
    verified = machine.run(
        "runuser -u magic-app -- magic-study verify /srv/study/STUDY "
        "--database postgresql:///study"
    )
    print(verified)
