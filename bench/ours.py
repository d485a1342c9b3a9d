"""What is measured: the gateway on a sandbox's data, without the sandbox's journal, clock and simulated LMSs."""

from __future__ import annotations

import contextlib
import socket
import sys

import uvicorn

from passback.app import build_api, build_gateway, open_database, run_server, server_config, settle
from passback.settings import load

if __name__ == "__main__":
    settings = load(data=sys.argv[1])
    with (
        socket.create_server(("127.0.0.1", 0), backlog=2048) as listener,
        contextlib.closing(open_database(settings, "sandbox")) as database,
    ):
        gateway = build_gateway(database, settings, kind="sandbox")
        api = build_api(gateway, settings, "sandbox")
        server = uvicorn.Server(server_config(api, settings.max_connections))
        settle()
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        run_server(server, listener, gateway, None)
