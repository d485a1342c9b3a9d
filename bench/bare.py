"""The measure: an ASGI application that says hello, on uvicorn as it comes."""

from __future__ import annotations

import socket
from typing import Any

import uvicorn

from passback.app import settle

_HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"17")]


async def hello(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": b'{"hello":"world"}'})


if __name__ == "__main__":
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    settle()
    config = uvicorn.Config(hello, ws="none", lifespan="off", access_log=False, log_config=None)
    uvicorn.Server(config).run([listener])
