"""The image of containers/Dockerfile serves a study as compose.yaml says, by podman.

It needs root, podman, the image under the name in compose.yaml, and the root folder of
test_booted.py (MAGIC_BOOT_ROOT), which lends nginx and PostgreSQL: images of those two
are pulled from a registry, which this does not ask. docs/how-to/host-a-study.md, "In
containers", says how the image is made without one. Where podman's defaults do not run,
a file named by CONTAINERS_CONF sets others, such as the runtime.

What compose.yaml says of room and monitor is handed to podman word by word: command,
user, read-only root, capabilities, limits, volumes. All share the network of nginx's
container, which reaches nothing else.
"""

import os
import shutil
import subprocess
import time
from contextlib import ExitStack

import pytest
import yaml

from app import cli
from tests.app.material import build
from tests.pages import ROOT as CODE

ROOT = os.environ.get("MAGIC_BOOT_ROOT", "")
COMPOSE = yaml.safe_load((CODE / "containers/compose.yaml").read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]
ROOMS = ("room-1", "room-2", "monitor")
IMAGE = SERVICES["room-1"]["image"]
HOST = "reading.example.org"
URL = "postgresql://magic-app@db/study"
DRILL = "postgresql://magic-app@db/drill"
PLAIN_USER = 10001
AS_POSTGRES = "runuser -u postgres -- "


def _image_is_there():
    if not ROOT or shutil.which("podman") is None:
        return False
    asked = ["podman", "image", "exists", IMAGE]
    return subprocess.run(asked, check=False).returncode == 0


pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        not _image_is_there(), reason=f"needs MAGIC_BOOT_ROOT, podman and {IMAGE}"
    ),
]


def podman(*words, check=True):
    """Run podman; return what it prints."""
    done = subprocess.run(
        ["podman", *map(str, words)],  # noqa: S607
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    if check and done.returncode:
        pytest.fail(f"podman {words}\nended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def options_of(service, place):
    """Return what compose.yaml says of a service as options of podman."""
    asked = [f"--user={service['user']}"] if "user" in service else []
    asked += ["--read-only"] if service.get("read_only") else []
    asked += [f"--cap-drop={name}" for name in service["cap_drop"]]
    asked += [f"--cap-add={name}" for name in service.get("cap_add", ())]
    asked += [f"--security-opt={o.replace(':', '=')}" for o in service["security_opt"]]
    asked += [f"--tmpfs={path}" for path in service.get("tmpfs", ())]
    asked += [f"--memory={service['mem_limit']}", f"--cpus={service['cpus']}"]
    asked += [f"--pids-limit={service['pids_limit']}"]
    for name, value in service.get("environment", {}).items():
        asked += [f"--env={name}={value}"]
    for volume in service["volumes"]:
        here, _, there = volume.partition(":")
        named = here in COMPOSE["volumes"]
        asked += [f"--volume={place / here.lstrip('./')}:{there}"]
        assert not named or (place / here).is_dir()
    for name in service.get("secrets", ()):
        file = place / COMPOSE["secrets"][name]["file"]
        asked += [f"--volume={file}:/run/secrets/{name}:ro"]
    return asked


class Served:
    """Containers that share one network, and the folder that compose.yaml expects."""

    def __init__(self, place, stack):
        self.place, self._stack = place, stack
        self._hosts = place / "hosts"
        self._hosts.write_text(f"127.0.0.1 localhost db {HOST}\n")

    def start(self, name, *words, network, what):
        """Start a container that goes with the test."""
        own = f"{name}-{os.getpid()}"
        self._stack.callback(podman, "rm", "--force", "--time=0", own, check=False)
        net = network if network == "none" else f"container:{network}-{os.getpid()}"
        hosts = f"--volume={self._hosts}:/etc/hosts:ro"
        podman("run", "--detach", f"--name={own}", f"--network={net}", hosts, *words,
               *what)  # fmt: skip

    def inside(self, name, script, user="0", check=True):
        """Run lines of a shell in a container."""
        own = f"{name}-{os.getpid()}"
        return podman("exec", f"--user={user}", own, "sh", "-ec", script, check=check)

    def once(self, program, *words):
        """Run a program of the image on the study while its folder can be written."""
        return podman(
            "run", "--rm", f"--network=container:nginx-{os.getpid()}",
            f"--volume={self._hosts}:/etc/hosts:ro", "--env=PGPASSFILE=/pgpass",
            f"--volume={self.place}/secrets/pgpass:/pgpass:ro",
            f"--volume={self.place}/study:/srv/study", f"--entrypoint={program}",
            IMAGE, *words,
        )  # fmt: skip

    def wait(self, name, script, wanted, seconds=90):
        """Wait until a script prints what is wanted."""
        began = time.monotonic()
        while wanted not in (found := self.inside(name, script, check=False)):
            if time.monotonic() - began > seconds:
                pytest.fail(f"{script}\nmust print {wanted!r}, got:\n{found}")
            time.sleep(0.5)


def owned_by_the_plain_user(folder):
    for path in (folder, *folder.rglob("*")):
        os.chown(path, PLAIN_USER, PLAIN_USER)


def prepare(place):
    """Make what the top of compose.yaml asks for, but the certificate."""
    (place / "study").mkdir()
    shutil.copytree(build(place, size=(300, 200)), place / "study/STUDY")
    (place / "secrets").mkdir()
    (place / "secrets/pgpass").write_text("db:5432:*:magic-app:of-the-test\n")
    (place / "secrets/pgpass").chmod(0o600)
    for name in ("room", "certificate"):
        (place / name).mkdir()
    for name in ("study", "secrets", "room"):
        owned_by_the_plain_user(place / name)
    asked = ["--host", HOST, "--study", "/srv/study/STUDY", "--database", URL]
    ports = ["--https-port", "8443", "--http-port", "8080"]
    assert cli.main(["deploy", str(place / "deployed"), *asked, *ports]) == 0


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Everything of compose.yaml, running."""
    place = tmp_path_factory.mktemp("image")
    place.chmod(0o755)
    prepare(place)
    with ExitStack() as stack:
        served = Served(place, stack)
        root = ["--rootfs", f"{ROOT}:O"]  # what is written is thrown away
        nginx = options_of(SERVICES["nginx"], place)
        # Debian's nginx keeps bodies elsewhere, logs in a folder that is not root's,
        # and has a page of its own on port 80.
        nginx.remove("--tmpfs=/var/log/nginx")
        for path in ("/var/log/nginx", "/var/lib/nginx", "/etc/nginx/sites-enabled"):
            nginx.append(f"--tmpfs={path}:notmpcopyup")
        made = (
            "openssl req -x509 -newkey rsa:2048 -nodes -days 2 "
            f"-subj /CN={HOST} -addext subjectAltName=DNS:{HOST} "
            "-keyout /made/privkey.pem -out /made/fullchain.pem"
        )
        certificate = f"--volume={place}/certificate:/made"
        podman("run", "--rm", "--network=none", certificate, *root, *made.split())
        served.start("nginx", *nginx, network="none",
                     what=[*root, "nginx", "-g", "daemon off;"])  # fmt: skip
        start_the_database(served, root)
        served.once("magic-study", "status", "/srv/study/STUDY", "--database", URL)
        words = ["add", "/srv/study/STUDY", "eve", "--by", "Max", "--database", URL]
        served.once("magic-study", "coordinator", *words)
        for name in ROOMS:
            start_a_room(served, name)
        yield served


def start_the_database(served, root):
    main = "/var/lib/postgresql/15/main"
    config = "-c config_file=/etc/postgresql/15/main/postgresql.conf"
    postgres = f"/usr/lib/postgresql/15/bin/postgres -D {main} {config}"
    command = f"{AS_POSTGRES}{postgres}".split()
    served.start("db", network="nginx", what=[*root, *command])
    served.wait("db", f"{AS_POSTGRES}psql -Atc 'SELECT 6*7'", "42")
    role = "CREATE ROLE \\\"magic-app\\\" LOGIN PASSWORD 'of-the-test'"
    served.inside("db", f'{AS_POSTGRES}psql -c "{role}"')
    for name in ("study", "drill"):
        served.inside("db", f"{AS_POSTGRES}createdb --owner magic-app {name}")


def start_a_room(served, name):
    service = SERVICES[name]
    options = options_of(service, served.place)
    served.start(name, *options, network="nginx", what=[IMAGE, *service["command"]])


PAGE = (
    "curl -s --cacert /etc/ssl/magic-app/fullchain.pem "
    f"-o /dev/null -w '%{{http_code}}\\n' https://{HOST}:8443/"
)


def test_the_room_is_served_behind_tls(served):
    served.wait("nginx", PAGE, "200")
    for path in ("_stcore/metrics", "media/x"):
        assert served.inside("nginx", PAGE + path).strip() == "404"
    own = "curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:8503/"
    served.wait("nginx", own, "200")


@pytest.mark.parametrize("name", ROOMS)
def test_its_processes_are_a_plain_user_on_a_read_only_root(served, name):
    said = served.inside(name, "id -u; grep -E 'CapEff|NoNewPrivs' /proc/1/status",
                         user=PLAIN_USER)  # fmt: skip
    assert said.split() == ["10001", "CapEff:", "0" * 16, "NoNewPrivs:", "1"]
    for path in ("/usr/x", "/srv/study/STUDY/x"):
        refused = served.inside(name, f"touch {path} || true", user=PLAIN_USER)
        assert "Read-only file system" in refused


def test_the_backup_drill_and_the_return_after_a_fire(served):
    script = (served.place / "deployed/magic-app-backup").read_text()
    (served.place / "room/magic-app-backup").write_text(script)
    words = f"/var/lib/magic-app/copies {DRILL}"
    said = served.inside(
        "room-1", f"sh /var/lib/magic-app/magic-app-backup {words}", user=PLAIN_USER
    )
    assert "entries verified" in said
    copy = said.strip().splitlines()[-1]
    sums = f"cd {copy} && sha256sum --quiet --check SHA256SUMS"
    served.inside("room-1", sums, user=PLAIN_USER)

    verify = ["verify", "/srv/study/STUDY", "--database", URL]
    before = served.once("magic-study", *verify)
    served.inside("db", f"{AS_POSTGRES}dropdb --force study")
    shutil.rmtree(served.place / "study/STUDY")
    kept = served.place / copy.replace("/var/lib/magic-app/", "room/")
    shutil.copytree(kept / "STUDY", served.place / "study/STUDY")
    owned_by_the_plain_user(served.place / "study")
    served.inside("db", f"{AS_POSTGRES}createdb --owner magic-app study")
    back = f"pg_restore --no-owner --dbname {URL} {copy}/study.dump"
    served.inside("room-1", back, user=PLAIN_USER, check=False)

    assert served.once("magic-study", *verify) == before
    served.wait("nginx", PAGE, "200")
