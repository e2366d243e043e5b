"""Servers that keep archives, on the loopback, and what must not be told of them."""

import http.client
import shutil
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pydicom
import pytest

from tests.magic_model.inference.tiny import write_head_dicom
from tests.orthanc import Orthanc
from tests.programs import find_program, leave_out

SECRET = "not-to-be-told"  # noqa: S105 - of a server on loopback
PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """Where patients are fetched to; empty in the end."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    yield place
    assert list(place.iterdir()) == []


def assert_names_nobody(folder, said, names):
    written = b"".join(
        path.read_bytes() for path in folder.rglob("*.*") if path.is_file()
    )
    for name in (*names, SECRET):
        assert name not in said
        assert name.encode() not in written


@pytest.fixture
def s3(monkeypatch):
    """A client of a server with the bucket `hospital`, which is told to programs."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in (
        ("AWS_ENDPOINT_URL", f"http://{host}:{port}"),
        ("AWS_ACCESS_KEY_ID", "reader"),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
        ("AWS_DEFAULT_REGION", "us-east-1"),
    ):
        monkeypatch.setenv(name, value)
    client = boto3.client("s3")
    client.create_bucket(Bucket="hospital")
    yield client
    server.stop()


@pytest.fixture
def studies(tmp_path):
    """Two heads as DICOM, in folders of the names of their studies."""
    folder = tmp_path / "studies"
    for seed in (1, 2):
        place = tmp_path / f"{seed}"
        write_head_dicom(place, np.random.default_rng(seed))
        uid = pydicom.dcmread(next(place.iterdir())).StudyInstanceUID
        shutil.move(place, folder / str(uid))
    return folder


@pytest.fixture
def orthanc(tmp_path, studies):
    program = find_program("Orthanc", "orthanc")
    if not PLUGIN.exists():
        leave_out("Orthanc has no DICOMweb (Debian package orthanc-dicomweb)")
    folder = tmp_path / "orthanc"
    folder.mkdir()
    server = Orthanc(
        program,
        folder,
        Plugins=[str(PLUGIN)],
        AuthenticationEnabled=True,
        RegisteredUsers={"reader": SECRET},
    )
    for path in studies.rglob("*"):
        if path.is_file():
            server.store(path)
    yield server
    server.stop()


@pytest.fixture
def moody(orthanc):
    """A way to the server that fails the first time for each path, and counts."""
    asked = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked[self.path] = asked.get(self.path, 0) + 1
            if asked[self.path] == 1:
                self.send_error(503)
                return
            way = http.client.HTTPConnection("127.0.0.1", orthanc.http_port)
            way.request("GET", self.path, headers=dict(self.headers))
            answer = way.getresponse()
            content = answer.read()
            self.send_response(answer.status)
            for name in ("Content-Type", "Content-Encoding"):
                if name in answer.headers:
                    self.send_header(name, answer.headers[name])
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            way.close()

        def log_message(self, *words):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/dicom-web", asked
    server.shutdown()
    server.server_close()


@pytest.fixture
def signed_in(monkeypatch):
    monkeypatch.setenv("DICOMWEB_USER", "reader")
    monkeypatch.setenv("DICOMWEB_PASSWORD", SECRET)
