"""Signing in to an LMS with the browser on this machine."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from passback.cli import UsageError
from passback.lms.http.callback import Callback
from passback.lms.interface import LmsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passback.lms.interface import ConnectorKind

CALLBACK_PORT = 8765
"""The port to which the browser returns, unless another is given."""

_SIGN_IN_SECONDS = 600.0


def sign_in(kind: ConnectorKind, base: str, given: Mapping[str, str], port: int) -> dict[str, str]:
    """Return the credentials that a sign-in gives. Raises `UsageError`."""
    steps = kind.sign_in
    if steps is None:
        raise UsageError(f"Passback cannot sign in to {kind.capabilities.name}: give its credentials")
    try:
        callback = Callback(port)
    except OSError as error:
        raise UsageError(
            f"cannot listen on port {port}: {error.strerror}; give another --callback-port"
        ) from None
    try:
        page, begun = asyncio.run(steps.begin(base, given, callback.url))
        print(
            f"Open this page in a browser on this machine and sign in (waiting at {callback.url}):\n\n{page}\n",
            flush=True,
        )
        query = callback.wait(_SIGN_IN_SECONDS)
        return dict(asyncio.run(steps.finish(base, given, callback.url, begun, query)))
    except LmsError as error:
        raise UsageError(f"the sign-in failed: {error}") from None
    finally:
        callback.close()
