"""Signing in with OpenID Connect, at a real provider (npm's oidc-provider, which is certified)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from passback.operations import accounts
from support.console import PASSWORD
from support.node import Script, running
from support.sandbox import Sandbox, serving

if TYPE_CHECKING:
    from playwright.async_api import Page

PEOPLE = {
    "ada": {"email": "Ada@example.org", "email_verified": True},
    "unverified": {"email": "bob@example.org", "email_verified": False},
    "stranger": {"email": "stranger@example.org", "email_verified": True},
    "local": {"email": "local@example.org", "email_verified": True},
}


@pytest.fixture(scope="module")
def provider() -> Iterator[Script]:
    with running("oidc-provider.js") as script:
        yield script


@pytest.fixture(scope="module")
def sandbox(provider: Script) -> Iterator[Sandbox]:
    """A gateway in production that knows the provider."""
    issuer = provider("issuer")
    given: dict[str, Any] = {
        "oidc_issuer": issuer,
        "oidc_client_id": "passback",
        "oidc_client_secret": "a secret",
    }
    with serving(kind="production", oidc_name="Example School", **given) as served:
        base = f"http://127.0.0.1:{served.port}"
        provider("serve", redirect=f"{base}/console/sign-in/openid/callback", people=PEOPLE)
        for name, password in (
            ("ada@example.org", None),
            ("bob@example.org", None),
            ("local@example.org", PASSWORD),
        ):
            asyncio.run(
                accounts.create(
                    served.gateway.database,
                    name,
                    "owner",
                    served.clock,
                    password=password,
                    elsewhere=password is None,
                )
            )
        yield served


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[httpx2.Client]:
    base = f"http://127.0.0.1:{sandbox.port}"
    with httpx2.Client(base_url=base, follow_redirects=True, timeout=30) as client:
        yield client


def sign_in(client: httpx2.Client, sub: str, onward: str = "/console/audit") -> httpx2.Response:
    page = client.get(f"/console/sign-in/openid/?next={onward}")
    assert page.text == "Who are you?"
    return client.get(str(page.url), params={"as": sub})


def test_the_page_offers_the_provider(client: httpx2.Client) -> None:
    assert "Sign in with Example School" in client.get("/console/sign-in").text


def test_somebody_with_an_account_arrives_at_the_page_that_was_asked_for(client: httpx2.Client) -> None:
    page = sign_in(client, "ada")
    assert (page.status_code, page.url.path) == (200, "/console/audit")
    assert "account.linked" in page.text


@pytest.mark.anyio
async def test_a_real_browser_goes_to_the_provider_and_comes_back(page: Page, sandbox: Sandbox) -> None:
    await page.goto(f"http://127.0.0.1:{sandbox.port}/console/audit")
    await page.get_by_role("link", name="Sign in with Example School").click()
    await page.get_by_text("Who are you?").wait_for()
    await page.evaluate("location.href += (location.search ? '&' : '?') + 'as=ada'")
    await page.wait_for_url("**/console/audit")
    await page.get_by_role("link", name="ada@example.org").click()
    await page.get_by_text("This account has no password here.").wait_for()


def test_from_then_on_the_provider_s_own_id_counts(sandbox: Sandbox, client: httpx2.Client) -> None:
    sign_in(client, "ada")
    found = {it.name: it for it in asyncio.run(accounts.list_all(sandbox.gateway.database))}
    assert found["ada@example.org"].subject == "ada"


@pytest.mark.parametrize("sub", ["unverified", "stranger", "local"])
def test_nobody_gets_an_account_that_is_not_theirs(sub: str, client: httpx2.Client) -> None:
    page = sign_in(client, sub)
    assert page.status_code == 403
    assert "Nobody has created an account for you" in page.text
    assert client.get("/console/audit").url.path == "/console/sign-in"


def test_an_account_that_is_disabled_stays_so(sandbox: Sandbox, client: httpx2.Client) -> None:
    database = sandbox.gateway.database
    sign_in(client, "ada")
    asyncio.run(accounts.disable(database, "ada@example.org", sandbox.clock))
    try:
        client.cookies.clear()
        assert "is disabled" in sign_in(client, "ada").text
    finally:
        asyncio.run(accounts.enable(database, "ada@example.org"))


@pytest.mark.parametrize(
    "query", ["", "?code=made-up&state=made-up", "?error=access_denied&state=x", "?code=%00&state=%00"]
)
def test_an_answer_to_no_question_signs_nobody_in(query: str, client: httpx2.Client) -> None:
    page = client.get(f"/console/sign-in/openid/callback{query}")
    assert page.status_code == 401
    assert client.get("/console/audit").url.path == "/console/sign-in"


def test_the_answer_to_another_browser_signs_nobody_in(sandbox: Sandbox, client: httpx2.Client) -> None:
    with httpx2.Client(base_url=client.base_url, timeout=30) as other:
        begun = other.get("/console/sign-in/openid/", follow_redirects=False)
        asked = other.get(begun.headers["location"])
        who = other.get(
            f"{begun.headers['location'].partition('/auth')[0]}{asked.headers['location']}?as=ada"
        )
        back = other.get(who.headers["location"])
        assert "code=" in back.headers["location"]
    assert client.get(back.headers["location"]).status_code == 401


def test_signing_in_leads_nowhere_else(client: httpx2.Client) -> None:
    assert sign_in(client, "ada", "//elsewhere.example").url.path == "/console/districts"


def test_a_provider_that_does_not_answer_is_said() -> None:
    given: dict[str, Any] = {
        "oidc_issuer": "http://127.0.0.1:9",
        "oidc_client_id": "passback",
        "oidc_client_secret": "x",
    }
    with serving(kind="production", **given) as served, httpx2.Client() as client:
        page = client.get(f"http://127.0.0.1:{served.port}/console/sign-in/openid/")
        assert page.status_code == 503
        assert "cannot be reached" in page.text
