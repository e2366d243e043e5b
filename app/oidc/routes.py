"""The two routes of a hospital account: to its provider, and back with a session."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from authlib.integrations.starlette_client import OAuth  # type: ignore[import-untyped]
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from app.accounts import READER, give_secret
from app.oidc.accounts import CALLBACK, LOGIN, NOTICE, Accounts, Refusal
from app.room import report, served_room
from reader_study.errors import StudyError
from reader_study.running.access import AccessError, sign_in_verified

_NAME = "hospital"
_SECONDS = 10.0
_SIGNED_BY = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384")


class _ProviderError(StudyError):
    """The provider gave no identity that can be believed; tells no secret."""


async def _send_to_provider(accounts: Accounts, request: Request) -> Response:
    """Send the browser to the provider, which asks who is there.

    What the way back must show again is kept in the signed session cookie.

    Raises:
        ProviderError: If the provider cannot be asked.
    """
    try:
        client = await _client(accounts)
        answer: Response = await client.authorize_redirect(
            request, accounts.redirect_uri
        )
    except Exception as error:  # libraries' own, and of metadata that are none
        raise _failed(error) from error
    return answer


async def _claims_of(accounts: Accounts, request: Request) -> Mapping[str, object]:
    """Return the claims of who comes back from the provider.

    The token comes from the provider itself, for the code in the browser's address;
    signature, issuer, audience, times and nonce are checked.

    Raises:
        ProviderError: If the browser was not sent from here, or the token is not good.
    """
    try:
        client = await _client(accounts)
        token = await client.authorize_access_token(request)
        claims: Mapping[str, object] = dict(token["userinfo"])
        issuer = str(claims["iss"])
    except Exception as error:  # libraries' own, and of metadata that are none
        raise _failed(error) from error
    if issuer.rstrip("/") != accounts.issuer.rstrip("/"):
        msg = f"The issuer must be {accounts.issuer}, got another"
        raise _ProviderError(msg)
    return claims


async def _client(accounts: Accounts) -> Any:  # noqa: ANN401
    registry = OAuth()
    registry.register(
        _NAME,
        client_id=accounts.client_id,
        client_secret=accounts.client_secret,
        server_metadata_url=accounts.metadata_url,
        # Who used this computer before may still be signed in at the provider.
        authorize_params={"prompt": "login"},
        client_kwargs={
            "scope": accounts.scope,
            "code_challenge_method": "S256",
            "timeout": _SECONDS,
        },
    )
    client = registry.create_client(_NAME)
    metadata = await client.load_server_metadata()
    name = "id_token_signing_alg_values_supported"
    offered = metadata.get(name) or []
    # A token that is not signed, or by a secret, is none.
    metadata[name] = [a for a in offered if a in _SIGNED_BY] or ["RS256"]
    return client


def _failed(error: Exception) -> _ProviderError:
    # Messages quote what came over the wire; the kind of error does not.
    return _ProviderError(f"Hospital account: {type(error).__name__}")


HOW = "oidc"
"""What the log says of such a session."""

_BEGUN = "oidc_begun"


@dataclass(frozen=True)
class OidcFlow:
    """The way of a reader to the provider and back.

    The provider's answer becomes a session of our own here, before any page sees it:
    the browser never holds a token of the provider, which would outlive the session.

    Attributes:
        accounts: That let readers in.
    """

    accounts: Accounts

    async def login(self, request: Request) -> Response:
        """Send the browser to the provider."""
        try:
            answer = await _send_to_provider(self.accounts, request)
        except _ProviderError as error:
            return _refused(Refusal.FAILED, error)
        request.session[_BEGUN] = time.time()
        return _not_stored(answer)

    async def callback(self, request: Request) -> Response:
        """Begin the session of the reader who comes back, or say why not."""
        begun = float(request.session.pop(_BEGUN, time.time()))
        try:
            claims = await _claims_of(self.accounts, request)
        except _ProviderError as error:
            return _refused(Refusal.FAILED, error)
        found = self.accounts.reader_of(claims, begun=begun)
        account = self.accounts.pseudonym_of(claims)
        try:
            secret = await run_in_threadpool(_admitted, found, account)
        except AccessError:
            return _refused(found if isinstance(found, Refusal) else Refusal.UNKNOWN)
        except StudyError as error:
            return _refused(Refusal.FAILED, error)
        answer = RedirectResponse("/", 303)
        give_secret(answer, request, READER.cookie, secret)
        return _not_stored(answer)


def routes_of(accounts: Accounts) -> list[Route]:
    """Return the routes, to be served beside the pages."""
    flow = OidcFlow(accounts)
    return [
        Route(LOGIN, flow.login, methods=["GET"]),
        Route(CALLBACK, flow.callback, methods=["GET"]),
    ]


def _admitted(found: str | Refusal, account: str) -> str:
    reader = "" if isinstance(found, Refusal) else found
    room = served_room()
    return sign_in_verified(
        room.store, reader, how=HOW, account=account, clock=room.clock
    )


def _refused(why: Refusal, error: StudyError | None = None) -> Response:
    if error is not None:
        report(error)
    return _not_stored(RedirectResponse(f"/?{NOTICE}={why.value}", 303))


def _not_stored(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    return answer
