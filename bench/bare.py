"""The measure: an application that says hello, on the same server with the same settings."""

from __future__ import annotations

from typing import Any

import uvicorn

from passback.app import server_config
from passback.settings import Settings

_HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"17")]


async def hello(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": b'{"hello":"world"}'})


class _Server(uvicorn.Server):
    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        print(f"http://127.0.0.1:{self.servers[0].sockets[0].getsockname()[1]}", flush=True)


if __name__ == "__main__":
    _Server(server_config(hello, Settings(port=0))).run()
