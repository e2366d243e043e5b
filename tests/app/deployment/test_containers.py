"""The files of `containers/` call the programs with options that they have."""

import re
import shutil
import subprocess

import pytest
import yaml

from app import cli
from tests.pages import ROOT

CONTAINERS = ROOT / "containers"


@pytest.fixture(scope="module")
def services():
    return yaml.safe_load((CONTAINERS / "compose.yaml").read_text())["services"]


@pytest.mark.parametrize("name", ["room-1", "room-2", "monitor"])
def test_options_are_those_of_the_program(name, services, capsys):
    command, *words = services[name]["command"]
    assert cli.main([command, "--help"]) == 0
    offered = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    assert {word.split("=")[0] for word in words if word.startswith("--")} <= offered


def test_ports_and_names_fit_what_deploy_writes_for_them(services, tmp_path):
    text = (CONTAINERS / "compose.yaml").read_text()
    told = re.search(
        r"magic-app deploy (.*?)\n#\n|magic-app deploy .*?8080", text, re.DOTALL
    )
    words = told[0].replace("#", " ").replace("\\", " ").split()[2:]
    assert cli.main(["deploy", str(tmp_path / words[0]), *words[1:]]) == 0
    conf = (tmp_path / "deployed" / "magic-app.conf").read_text()
    for name in ("room-1", "room-2"):
        port = re.search(r"--port=(\d+)", " ".join(services[name]["command"]))[1]
        assert f"server 127.0.0.1:{port} " in conf
    monitor = " ".join(services["monitor"]["command"])
    assert re.search(r"--port=(\d+)", monitor)[1] not in re.findall(
        r"server 127.0.0.1:(\d+)", conf
    )
    for published in services["nginx"]["ports"]:
        assert f"listen {published.split(':')[1]}" in conf


def test_nothing_runs_with_more_rights_than_it_needs(services):
    for name, service in services.items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
    for name in ("room-1", "room-2", "monitor"):
        assert services[name]["user"] == "10001:10001"
        assert "/srv/study:ro" in services[name]["volumes"][0]
    text = (CONTAINERS / "Dockerfile").read_text()
    assert text.rindex("USER 10001:10001") > text.rindex("FROM ")


@pytest.mark.parametrize("file", ["Dockerfile", "training.def"])
def test_what_is_copied_is_there(file):
    copied = re.findall(
        r"^COPY (?!--)(.+) \S+$|^    (\S+) /source/",
        (CONTAINERS / file).read_text(),
        re.MULTILINE,
    )
    names = " ".join(map(" ".join, copied)).split()
    assert {"pyproject.toml", "analysis", "constraints.txt"} <= set(names)
    assert [name for name in names if not (ROOT / name).exists()] == []


def test_a_linter_finds_nothing_where_there_is_one():
    linter = shutil.which("hadolint")
    if linter is None:
        pytest.skip("hadolint is not installed")
    done = subprocess.run([linter, CONTAINERS / "Dockerfile"], check=False)
    assert done.returncode == 0
