"""A browser without a page: asks an application in this process, and keeps cookies."""

import asyncio

import httpx


class Client:
    """Asks one application under the name localhost."""

    def __init__(self, app):
        self.app, self.cookies = app, httpx.Cookies()

    def get(self, path):
        return asyncio.run(self._get(path))

    async def _get(self, path):
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://localhost", cookies=self.cookies
        ) as client:
            answer = await client.get(path)
            self.cookies = client.cookies
            return answer
