"""A real browser for tests: Chromium without a window, driven by Playwright.

A test that takes `page` is `async` and marked ``anyio``. All of a process's tests share one browser; each has a context
of its own, and fails if a page throws or breaks its own Content Security Policy.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from support import node

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Error, Page

NAMED_BY = "PASSBACK_TEST_BROWSER"
"""The environment variable that names the program, if it is not on the PATH."""

ZONE = "America/St_Johns"
"""Where the browser is: half an hour off, so that no test mistakes its time for the server's."""

_ARGUMENTS = (
    "--disable-features=LocalNetworkAccessChecks",
    "--host-resolver-rules=MAP *.test 127.0.0.1",
    "--test-third-party-cookie-phaseout",  # as most browsers have it
)
_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")


def program() -> str | None:
    """The path of a Chromium; None if there is none."""
    return os.environ.get(NAMED_BY) or next(filter(None, map(shutil.which, _PROGRAMS)), None)


@cache
def _axe() -> str:
    return (node.packages() / "axe-core" / "axe.min.js").read_text("utf-8")


async def violations(page: Page) -> list[dict[str, Any]]:
    """What axe finds in a page."""
    await page.evaluate(_axe())
    found: dict[str, Any] = await page.evaluate("axe.run({resultTypes: ['violations']})")
    return [{"rule": it["id"], "nodes": [node["html"] for node in it["nodes"]]} for it in found["violations"]]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """One event loop for all tests of pages, as the browser belongs to one."""
    return "asyncio"


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The browser. Without one a test is skipped, but in CI it fails."""
    from playwright.async_api import async_playwright

    found = program()
    if found is None:
        why = f"no Chromium: install it, or name it with {NAMED_BY}"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(why)
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=found, args=_ARGUMENTS)
        yield launched
        await launched.close()


@pytest.fixture
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A profile of its own, for a test that opens several windows."""
    complaints: list[str] = []

    def hear(said: ConsoleMessage) -> None:
        if "Content Security Policy" in said.text:
            complaints.append(said.text)

    def thrown(error: Error) -> None:
        complaints.append(str(error))

    def watch(page: Page) -> None:
        page.on("console", hear)
        page.on("pageerror", thrown)

    made = await browser.new_context(ignore_https_errors=True, timezone_id=ZONE)
    made.set_default_timeout(60_000)
    made.on("page", watch)
    yield made
    await made.close()
    assert not complaints


@pytest.fixture
async def page(context: BrowserContext) -> Page:
    """An empty window."""
    return await context.new_page()
