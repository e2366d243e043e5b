"""The two routes of a hospital account: to its provider, and back with a session."""

import time
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from app.accounts import READER, give_secret
from app.oidc.accounts import CALLBACK, LOGIN, NOTICE, Accounts, Refusal
from app.oidc.provider import ProviderError, claims_of, send_to_provider
from app.room import report, served_room
from reader_study.errors import StudyError
from reader_study.running.access import AccessError, sign_in_verified

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
            answer = await send_to_provider(self.accounts, request)
        except ProviderError as error:
            return _refused(Refusal.FAILED, error)
        request.session[_BEGUN] = time.time()
        return _not_stored(answer)

    async def callback(self, request: Request) -> Response:
        """Begin the session of the reader who comes back, or say why not."""
        begun = float(request.session.pop(_BEGUN, time.time()))
        try:
            claims = await claims_of(self.accounts, request)
        except ProviderError as error:
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
