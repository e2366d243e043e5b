"""The two routes of a hospital account: to its provider, and back with a session."""

import time
import warnings
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from authlib.deprecate import (  # type: ignore[import-untyped]
    AuthlibDeprecationWarning,
)
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from app.accounts import READER, give_secret
from app.oidc.accounts import CALLBACK, LOGIN, NOTICE, Accounts, Refusal
from app.room import report, served_room
from reader_study.errors import StudyError
from reader_study.running.access import AccessError, sign_in_verified

with warnings.catch_warnings():
    # Of the library it is built on, and for its own makers.
    warnings.simplefilter("ignore", AuthlibDeprecationWarning)
    from authlib.integrations.starlette_client import (  # type: ignore[import-untyped]
        OAuth,
    )

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
    begun = _ways_begun(request.session)
    try:
        client = await _client(accounts)
        answer: Response = await client.authorize_redirect(
            request, accounts.redirect_uri
        )
    except Exception as error:  # libraries' own, and of metadata that are none
        raise _failed(error) from error
    for key in set(_ways_begun(request.session)) - set(begun):
        request.session[key]["data"].pop("url", None)  # long, and not needed again
        request.session[key]["begun"] = time.time()
    request.session.update(begun)  # the library forgets those of other tabs
    return answer


_STATE = f"_state_{_NAME}_"
"""How the library's keys in the session cookie begin; the state follows."""

_MOST_TABS = 3  # a cookie holds 4 kB


def _ways_begun(session: MutableMapping[str, Any]) -> dict[str, Any]:
    """Return the newest ways to the provider that have not come back yet."""
    found = [(key, way) for key, way in session.items() if key.startswith(_STATE)]
    found.sort(key=lambda item: float(item[1].get("begun", 0)))
    return dict(found[1 - _MOST_TABS :])


async def _claims_of(accounts: Accounts, request: Request) -> Mapping[str, object]:
    """Return the claims of who comes back from the provider.

    The token comes from the provider itself, for the code in the browser's address;
    signature, issuer, audience, times and nonce are checked.

    Raises:
        ProviderError: If the browser was not sent from here, or the token is not good.
    """
    try:
        client = await _client(accounts)
        _require_answerer(await client.load_server_metadata(), request.query_params)
        token = await client.authorize_access_token(request)
        claims: Mapping[str, object] = dict(token["userinfo"])
        issuer = str(claims["iss"])
        if issuer.rstrip("/") == accounts.issuer.rstrip("/"):
            return await _completed(accounts, client, token, claims)
    except _ProviderError:
        raise
    except Exception as error:  # libraries' own, and of metadata that are none
        raise _failed(error) from error
    msg = f"The issuer must be {accounts.issuer}, got another"
    raise _ProviderError(msg)


def _require_answerer(metadata: Mapping[str, Any], answer: Mapping[str, str]) -> None:
    """Require that the answer in the address is of the provider asked (RFC 9207).

    Raises:
        ProviderError: If it is another's, or does not say though the provider does.
    """
    named = answer.get("iss")
    says = metadata.get("authorization_response_iss_parameter_supported") is True
    if (named is None and says) or named not in (None, metadata.get("issuer")):
        msg = "The answer must name the provider that was asked as its issuer"
        raise _ProviderError(msg)


async def _completed(
    accounts: Accounts,
    client: Any,  # noqa: ANN401
    token: Mapping[str, object],
    claims: Mapping[str, object],
) -> Mapping[str, object]:
    """Return the claims with those that the provider tells at its UserInfo endpoint.

    A provider that issues an access token need not put an e-mail into the identity
    token (OpenID Connect Core 1.0, 5.4).

    Raises:
        ProviderError: If what is told there is of somebody else (the same, 5.3.2).
    """
    asked = accounts.asked_claims
    metadata = await client.load_server_metadata()
    if all(name in claims for name in asked) or "userinfo_endpoint" not in metadata:
        return claims
    told = await client.userinfo(token=token)
    if not told.get("sub") or told["sub"] != claims.get("sub"):
        msg = "UserInfo must be of the subject of the identity token, got another"
        raise _ProviderError(msg)
    # All of one source: an address of one must not be verified by the other.
    kept = {name: value for name, value in claims.items() if name not in asked}
    return kept | {name: told[name] for name in asked if name in told}


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
        return _not_stored(answer)

    async def callback(self, request: Request) -> Response:
        """Begin the session of the reader who comes back, or say why not."""
        way = request.session.get(_STATE + request.query_params.get("state", ""), {})
        begun = float(way.get("begun", time.time()))
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
