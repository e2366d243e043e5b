"""A small provider of accounts that asks nothing and lets in whom a test names."""

import functools
import json
import threading
import time
from base64 import urlsafe_b64encode
from urllib.parse import urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Route

from app.oidc.accounts import DISCOVERY
from tests.app.deployment.running import free_port, wait_for

CLIENT, SECRET = "reading-room", "shared-with-the-hospital"


@functools.cache
def own_key():
    """One for all: a new one takes a tenth of a second."""
    return RSAKey.generate_key(2048, {"kid": "1"})


class Provider:
    """Discovery, keys, authorize and token endpoints in a thread.

    Attributes:
        claims: Of the identity token; a test sets them, also wrong ones.
        userinfo: Further claims of the UserInfo endpoint.
        answers: Further parameters of the browser's way back.
        signs: Key that signs it; that of `key` is told to others.
        asked: Query of each request to sign in.
    """

    def __init__(self, host="localhost"):
        self.port = free_port()
        self.url = f"http://{host}:{self.port}"
        self.key = own_key()
        self.signs = self.key
        self.header = {"alg": "RS256", "kid": "1"}
        self.claims, self.asked, self.codes = {}, [], {}
        self.userinfo, self.answers = {}, {}  # at UserInfo; further, in the way back
        self.metadata = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
        }

    def start(self):
        routes = [
            Route(DISCOVERY, lambda _: JSONResponse(self.metadata)),
            Route("/keys", self.keys),
            Route("/authorize", self.authorize),
            Route("/token", self.token, methods=["POST"]),
            Route("/userinfo", self.tell),
        ]
        config = uvicorn.Config(
            Starlette(routes=routes), port=self.port, log_level="critical"
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        wait_for(self.port)

    def stop(self):
        self.server.should_exit = True
        self.thread.join(10)

    def keys(self, _):
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})

    def authorize(self, request):
        query = dict(request.query_params)
        self.asked.append(query)
        code = f"code-{len(self.asked)}"
        self.codes[code] = query
        back = urlencode({"code": code, "state": query["state"], **self.answers})
        return RedirectResponse(f"{query['redirect_uri']}?{back}", 302)

    async def token(self, request):
        form = await request.form()
        query = self.codes.pop(form["code"], None)
        if query is None:  # used already
            return JSONResponse({"error": "invalid_grant"}, 400)
        return JSONResponse(
            {
                "access_token": "access",
                "token_type": "Bearer",
                "id_token": self.id_token(query["nonce"]),
            }
        )

    def tell(self, request):
        if request.headers.get("authorization") != "Bearer access":
            return JSONResponse({"error": "invalid_token"}, 401)
        return JSONResponse({"sub": "1", **self.userinfo})

    def id_token(self, nonce):
        now = int(time.time())
        claims = {
            "iss": self.url, "sub": "1", "aud": CLIENT, "nonce": nonce, "iat": now,
            "exp": now + 300, **self.claims,
        }  # fmt: skip
        if self.header["alg"] == "none":
            parts = (json.dumps(part).encode() for part in (self.header, claims))
            return ".".join([*(b64(part) for part in parts), ""])
        return jwt.encode(self.header, claims, self.signs)


def b64(part):
    return urlsafe_b64encode(part).decode().rstrip("=")


def verified(email):
    return {"email": email, "email_verified": True}


def write_accounts(path, provider_url, redirect_uri):
    """Write the file that `--oidc` takes; closed to others."""
    path.write_text(
        f'[provider]\nmetadata_url = "{provider_url}{DISCOVERY}"\n'
        f'client_id = "{CLIENT}"\nclient_secret = "{SECRET}"\n'
        f'redirect_uri = "{redirect_uri}"\n\n'
        '[readers]\n"anna.smith@example.org" = "anna"\n'
    )
    path.chmod(0o600)
    return path
