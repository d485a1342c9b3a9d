from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest

from passback.operations import accounts
from passback.sandbox.seed import seed
from support.console import OWNER, PASSWORD, Visitor
from support.postgres import DATABASES, database_of
from support.sandbox import NOW, Sandbox, serving
from support.webhooks import Endpoint, endpoint


@pytest.fixture(scope="session", params=DATABASES)
def production(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A gateway in production, with the sandbox's districts, and an owner of the console."""
    with database_of(request.param) as url, serving(kind="production", database_url=url) as served:
        served.write(lambda conn: seed(conn, NOW))
        asyncio.run(accounts.create(served.gateway.database, OWNER, "owner", served.clock, password=PASSWORD))
        yield served


@pytest.fixture
def app() -> Iterator[Endpoint]:
    """An app's endpoint for webhooks."""
    with endpoint() as app:
        yield app


@pytest.fixture
def visitors(production: Sandbox) -> Iterator[Callable[..., Visitor]]:
    """Makes people with browsers, who are not signed in: of the gateway in production, or of another server's port."""
    made: list[Visitor] = []

    def make(port: int = production.port) -> Visitor:
        made.append(Visitor(port))
        return made[-1]

    yield make
    for it in made:
        it.close()


@pytest.fixture
def owner(visitors: Callable[..., Visitor]) -> Visitor:
    """The owner of the gateway in production, signed in."""
    return visitors().sign_in(OWNER)


@pytest.fixture
def visitor(sandbox: Sandbox) -> Iterator[Visitor]:
    """Somebody with a browser on the machine of the sandbox, who needs no account."""
    made = Visitor(sandbox.port)
    yield made
    made.close()
