"""``passback simulate``: a simulated LMS of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys

from passback.cli import Port, UsageError


def simulate(kind: str, *, host: str = "127.0.0.1", port: Port = 0, family: str = "") -> int:
    """Serve a simulated LMS: a district with sections and people, and faults on demand. It keeps nothing.

    docs/reference/simulators.md describes its credentials, its control endpoint and its faults.

    Args:
        kind: canvas, schoology, google, lti or moodle.
        host: The address to listen on.
        port: The port to listen on; 0 picks a free one.
        family: For lti, whose ways it has: moodle, canvas, brightspace, blackboard, sakai, openedx, schoology, or other
            (unless given), which keeps to the standard.
    """
    from passback.domain.clock import system_clock
    from passback_simulators import KINDS, address_of, simulator_of
    from passback_simulators.lti.profiles import PROFILES
    from passback_simulators.server import serving

    if kind not in KINDS:
        raise UsageError(f"there is no simulated {kind!r}: choose from {', '.join(KINDS)}")
    if family and (kind != "lti" or family not in PROFILES):
        raise UsageError(f"there is no {kind} with the ways of {family!r}")
    simulator = simulator_of(kind, system_clock, keep=None, **({"family": family} if family else {}))
    simulator.start()

    async def serve(listener: socket.socket) -> None:
        async with serving(simulator, listener) as url:
            print(f"simulated {simulator.name}: {address_of(kind, url)}  (control: {url}/_simulator/)")
            given = {**simulator.connection_credentials(url), **simulator.connection_options(url)}
            for name, value in given.items():
                if ":" not in name:  # students' own credentials come from signing in
                    print(f"  {name}={value}")
            print("Ctrl-C ends it.", flush=True)
            await asyncio.Event().wait()

    try:
        listener = socket.create_server((host, port), backlog=128)
    except OSError as error:
        print(f"passback: cannot listen on {host} port {port}: {error.strerror}", file=sys.stderr)
        return 1
    with listener, contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
        asyncio.run(serve(listener))
    return 0
