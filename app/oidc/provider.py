"""The hospital's provider of accounts, asked by OpenID Connect (code flow, PKCE)."""

from collections.abc import Mapping
from typing import Any

from authlib.integrations.starlette_client import OAuth  # type: ignore[import-untyped]
from starlette.requests import Request
from starlette.responses import Response

from app.oidc.accounts import Accounts
from reader_study.errors import StudyError

_NAME = "hospital"
_SECONDS = 10.0
_SIGNED_BY = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384")


class ProviderError(StudyError):
    """The provider gave no identity that can be believed; tells no secret."""


async def send_to_provider(accounts: Accounts, request: Request) -> Response:
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


async def claims_of(accounts: Accounts, request: Request) -> Mapping[str, object]:
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
        raise ProviderError(msg)
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


def _failed(error: Exception) -> ProviderError:
    # Messages quote what came over the wire; the kind of error does not.
    return ProviderError(f"Hospital account: {type(error).__name__}")
