"""Take the pictures of the console that the docs show: ``make screenshots``, or those named by ``PICTURES="..."``.

A sandbox is served, an application puts some work into it, and a real browser goes through the pages.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.async_api import async_playwright

if TYPE_CHECKING:
    from playwright.async_api import Page

PICTURES = Path(__file__).parent / "how-to" / "console"
CANVAS, BUILTIN = "4fee004cca2e43cfca", "4fee004cca2e43cf27"
PAGES = {
    "sign-in": "/sign-in",
    "districts": "/districts",
    "district": f"/districts/{CANVAS}000000",
    "not-arrived": "/not-arrived",
    "delivery": "/not-arrived tbody a[href*='/deliveries/']",
    "search": "/search?q=Ada",
    "person": f"/districts/{CANVAS}000000/people/{CANVAS}001001",
    "assignment": "/search?q=Fractions a[href*='/assignments/']",
    "connect": "/connect/canvas",
    "connect-schoology": "/connect/schoology",
    "connect-google": "/connect/google",
    "connect-moodle": "/connect/moodle",
    "connect-lti": "/connect/lti",
    "connection": f"/districts/{CANVAS}000000/connection",
    "matches": f"/districts/{CANVAS}000000/matches",
    "match": f"/districts/{CANVAS}000000/matches/{CANVAS}001001",
    "roster": f"/districts/{CANVAS}000000/roster",
    "upload": f"/districts/{CANVAS}000000/roster",
    "gradebook": f"/districts/{BUILTIN}000000/gradebook/{BUILTIN}000007",
    "gradebook-assignment": f"/districts/{BUILTIN}000000/gradebook/{BUILTIN}000007 thead a",
    "apps": f"/districts/{CANVAS}000000/apps",
    "webhook": f"/districts/{CANVAS}000000/apps a[href*='/webhooks/']",
    "audit": "/audit",
    "accounts": "/accounts",
    "account": "/account",
    "sandbox": "/sandbox",
    "request": "/sandbox tbody a",
    "sandbox-gradebook": f"/sandbox/gradebook?section={CANVAS}000007",
    "errors": "/sandbox/errors",
    "clock": "/sandbox/clock",
}
"""The pages by the names of their pictures: the path below the console's, and the link to follow there, if any."""
_PATIENCE = 30.0


def call(url: str, method: str, token: str, body: object, **headers: str) -> Any:
    """Call the API; returns the content of the answer, or None if it is an error."""
    request = urllib.request.Request(url, json.dumps(body).encode(), method=method)  # noqa: S310 - our own
    for name, value in {"Authorization": f"Bearer {token}", **headers}.items():
        request.add_header(name.replace("_", "-"), value)
    with contextlib.suppress(OSError), urllib.request.urlopen(request, timeout=_PATIENCE) as answer:  # noqa: S310
        return json.load(answer).get("data")
    return None


def put_work_in(base: str) -> None:
    """Have an application create and grade, and the LMS refuse some of it."""
    for token, district in (("DEMO_TOKEN", BUILTIN), ("DEMO_CANVAS_TOKEN", CANVAS)):
        section = f"{base}/v3.1/sections/{district}000007/assignments"
        for title in ("Fractions", "Decimals", "Essay 1"):
            work = {
                "title": title,
                "description": title,
                "due_date": "2030-06-01T23:59:00Z",
                "points_possible": 20,
            }
            made = call(section, "POST", token, work)
            for number in range(1001, 1009):
                path = f"{section}/{made['id']}/submissions/{district}00{number}"
                call(path, "PATCH", token, {"grade_points": 10 + number % 9})
    call(f"{base}/v3.1/webhooks", "POST", token, {"url": "http://127.0.0.1:9/passback"})
    path = f"{section}/{made['id']}/submissions/{CANVAS}00"
    call(path + "1009", "PATCH", "DEMO_CANVAS_TOKEN", {"grade_points": 9}, Sandbox_Fault="error-before")
    call(path + "1010", "PATCH", "DEMO_CANVAS_TOKEN", {"grade_points": 9}, Sandbox_Fault="not-enrolled")


@contextlib.contextmanager
def sandbox() -> Iterator[str]:
    """A sandbox on a free port; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "passback", "sandbox", "--port", str(port), "--data", folder]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:  # noqa: S603 - our own command
            try:
                end = time.monotonic() + _PATIENCE
                while time.monotonic() < end:
                    with contextlib.suppress(OSError), urllib.request.urlopen(base + "/health/ready"):  # noqa: S310
                        break
                    time.sleep(0.1)
                yield base
            finally:
                server.terminate()


async def upload_roster(page: Page) -> None:
    """Upload a roster, and wait for what it would change."""
    from support.rosters import CLEVER, zipped

    with tempfile.TemporaryDirectory() as folder:
        await page.locator("#file").set_input_files(zipped(Path(folder) / "fall.zip", CLEVER))
        await page.get_by_role("button", name="Upload and check").click()
        await page.get_by_role("heading", name="What would change").wait_for()


async def take(base: str, browser: str | None, wanted: Collection[str]) -> None:
    """Go through the pages that are wanted, in light and for the first one in dark, too."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=browser)
        for scheme in ("light", "dark"):
            context = await chromium.new_context(color_scheme="dark" if scheme == "dark" else "light")
            page = await context.new_page()
            for name, place in PAGES.items():
                if name not in wanted or (scheme == "dark" and name != "districts"):
                    continue
                path, _, link = place.partition(" ")
                is_form = path.startswith("/connect/")  # of these, each step and field is wanted
                await page.set_viewport_size({"width": 820 if is_form else 1200, "height": 700})
                await page.goto(f"{base}/console{path}")
                if link:
                    await page.locator(link).first.click()
                    await page.wait_for_load_state()
                if name == "upload":
                    await upload_roster(page)
                await page.screenshot(
                    path=PICTURES / f"{name}{'-dark' if scheme == 'dark' else ''}.png", full_page=is_form
                )
            await context.close()
        await chromium.close()


def main() -> None:
    """Take all pictures, or those that are named."""
    from support.browser import program

    PICTURES.mkdir(exist_ok=True)
    with sandbox() as base:
        put_work_in(base)
        asyncio.run(take(base, program(), sys.argv[1:] or PAGES))


if __name__ == "__main__":
    main()
