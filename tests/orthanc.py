"""An Orthanc server for a test."""

import http.client
import json
import socket
import subprocess
import time
from base64 import b64encode


class Orthanc:
    """A server on loopback with a store of its own."""

    def __init__(self, program, folder, **more) -> None:
        self.http_port, self.dicom_port = _free_port(), _free_port()
        settings = {
            "Name": "magic-ctp test",
            "StorageDirectory": str(folder / "store"),
            "IndexDirectory": str(folder / "store"),
            "HttpPort": self.http_port,
            "DicomPort": self.dicom_port,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "DicomAlwaysAllowStore": True,
            "Plugins": [],
            **more,
        }
        self._headers = {}
        for user, word in more.get("RegisteredUsers", {}).items():
            known = b64encode(f"{user}:{word}".encode()).decode()
            self._headers = {"Authorization": f"Basic {known}"}
        config = folder / "orthanc.json"
        config.write_text(json.dumps(settings))
        self._log = (folder / "orthanc.log").open("wb")
        self._process = subprocess.Popen(
            [program, str(config)], stdout=self._log, stderr=subprocess.STDOUT
        )
        self._wait_until_ready()

    def get(self, path) -> bytes:
        return self._ask("GET", path)

    def store(self, path) -> None:
        self._ask("POST", "/instances", path.read_bytes())

    def _ask(self, verb, path, body=None) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=20)
        try:
            connection.request(verb, path, body, self._headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        assert answer.status == 200, path
        return content

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=30)
        self._log.close()

    def _wait_until_ready(self) -> None:
        end = time.monotonic() + 30
        while True:
            try:
                self.get("/system")
            except OSError:
                if self._process.poll() is not None or time.monotonic() > end:
                    self.stop()
                    raise
                time.sleep(0.1)
            else:
                return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
