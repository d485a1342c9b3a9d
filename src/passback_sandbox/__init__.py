"""A pytest plugin: Passback's sandbox for the tests of an application.

The fixtures are there once Passback is installed. The sandbox is started with the first test that asks for it, and
brought back to the start before each. Whatever they need is imported then, since pytest loads this at each start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from passback_sandbox.hook import Receiver
    from passback_sandbox.sandbox import Sandbox


@pytest.fixture(scope="session")
def passback_sandbox_process() -> Iterator[Sandbox]:
    """The sandbox, started once; as the tests before left it."""
    from passback_sandbox.sandbox import Sandbox

    with Sandbox.start() as sandbox:
        yield sandbox


@pytest.fixture
def passback_sandbox(passback_sandbox_process: Sandbox) -> Sandbox:
    """The sandbox, as at its start: no assignments, no faults, an empty journal, the machine's time."""
    passback_sandbox_process.reset()
    return passback_sandbox_process


@pytest.fixture
def passback_webhooks(passback_sandbox: Sandbox) -> Iterator[Receiver]:
    """An endpoint on this machine that catches and verifies the messages of the applications that register it."""
    from passback_sandbox.hook import Receiver

    with Receiver(passback_sandbox) as receiver:
        yield receiver
