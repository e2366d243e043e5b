"""A real nginx as a child process, with the shipped configuration filled in."""

import datetime as dt
import os
import shutil
import ssl
import subprocess
from contextlib import closing
from http.client import HTTPSConnection

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from app.deployment import Deployment, filled_in
from tests.app.deployment.running import free_port, wait_for

HOST = "localhost"
MAIN = """
{user}
daemon off;
pid {folder}/pid;
error_log {folder}/main.log;
events {{ }}
http {{
    include /etc/nginx/mime.types;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    scgi_temp_path {folder}/scgi;
    uwsgi_temp_path {folder}/uwsgi;
    include {folder}/magic-app.conf;
}}
"""


class Front:
    """nginx before processes of the reading room."""

    def __init__(self, folder, ports, **settings):
        self.folder = folder
        self.https, self.http = free_port(), free_port()
        deployment = Deployment(
            study="/srv/STUDY",
            host=HOST,
            processes=len(ports),
            https_port=self.https,
            http_port=self.http,
            certificate=str(folder / "certificate.pem"),
            certificate_key=str(folder / "key.pem"),
            logs=str(folder),
            **settings,
        )
        write_certificate(folder)
        # The plan numbers ports one after the other; here they are any that are free.
        text = filled_in(deployment)["magic-app.conf"]
        for planned, real in zip(deployment.process_ports, ports, strict=True):
            text = text.replace(f"127.0.0.1:{planned} ", f"127.0.0.1:{real} ")
        (folder / "magic-app.conf").write_text(text)
        user = "user root;" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(MAIN.format(user=user, folder=folder))
        self.url = f"https://{HOST}:{self.https}/"

    def start(self):
        nginx = shutil.which("nginx") or "/usr/sbin/nginx"
        command = [nginx, "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")]
        self.running = subprocess.Popen([*command, "-e", str(self.folder / "main.log")])
        try:
            wait_for(self.http, 10)
        except TimeoutError:
            self.stop()
            raise

    def stop(self):
        self.running.terminate()
        self.running.wait(10)

    def ask(self, path, method="GET", headers=(), body=None, context=None):
        """Send one request over TLS; give status, headers and body."""
        trust = context or trusting(self.folder)
        wanted = {"Host": f"{HOST}:{self.https}", **dict(headers)}
        with closing(
            HTTPSConnection("127.0.0.1", self.https, context=trust, timeout=10)
        ) as connection:
            connection.request(method, path, body=body, headers=wanted)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()

    def log(self):
        return (self.folder / "magic-app.access.log").read_text()


def trusting(folder, newest=None):
    """TLS that checks the certificate, but for the name behind it."""
    context = ssl.create_default_context(cafile=str(folder / "certificate.pem"))
    context.check_hostname = False
    if newest is not None:
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = newest
        context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def write_certificate(folder):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            pem,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
