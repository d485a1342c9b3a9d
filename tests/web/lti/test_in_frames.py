"""Launches inside of the LMS's page, in a real browser that blocks other sites' cookies there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.async_api import BrowserContext, Locator, Page, Route

from passback.operations import lti
from support.https import https
from support.lti import (
    CLIENT_ID,
    DL,
    ISSUER,
    LTI,
    MEMBER,
    Platform,
    connect,
    query_of,
    serving_platform,
    signed,
)
from support.lti_launches import DISTRICT, app, start
from support.sandbox import Sandbox, serving

pytestmark = pytest.mark.anyio

EVIL = "https://evil.test"

KEEPS = """
  const kept = {};
  addEventListener("message", ({ data, source, origin }) => {
    heard.push({ data, origin });
    if (data.subject === "lti.put_data") kept[data.key] = data.value;
    const { subject, message_id, key } = data;
    source.postMessage({ subject: subject + ".response", message_id, key, value: kept[key] }, origin);
  });
"""
"""The script of a page that keeps what tools give it (LTI Platform Storage)."""
COUNTS_FIVE = """() => {
  const seen = [];
  window.five = new Promise((done) =>
    addEventListener("message", ({ origin }) => seen.push(origin) === 5 && done(seen)));
}"""
"""Has a page promise the origins of the next five messages to it."""
HEARS = "addEventListener('message', ({ data, origin }) => heard.push({ data, origin }));"
"""The script of a page that answers nothing."""


def _script(text: str) -> str:
    return f"<script>const heard = [];{text}</script>"


@dataclass
class Lms:
    """An LMS in the browser, whose courses show the gateway in a frame."""

    sandbox: Sandbox
    platform: Platform
    context: BrowserContext

    @property
    def app(self) -> str:
        """Where the application is."""
        return f"{self.platform.url}/app"

    asked: list[Any] = field(default_factory=list)
    """What the gateway has asked it."""

    async def open(
        self, page: Page, script: str = HEARS, keeper: str = HEARS, at: str = ISSUER, **given: str
    ) -> None:
        """Somebody opens a page of the LMS, or of another site, in which the gateway is. `keeper` is in it before."""
        query = {
            "iss": ISSUER,
            "login_hint": "hint",
            "client_id": CLIENT_ID,
            "lti_message_hint": "<m&m>",
            **given,
        }
        login = f"{self.sandbox.gateway.base_url}/lti/login?{urlencode(query)}"
        shown = f'<iframe name="keeper" src="{at}/keeper"></iframe><iframe name="tool"></iframe>'
        await self.serve(f"{at}/course", f"{_script(script)}{shown}")
        await self.serve(f"{at}/keeper", _script(keeper))
        await page.goto(f"{at}/course")  # until the keeper listens
        await page.evaluate("login => document.getElementsByName('tool')[0].src = login", login)

    async def serve(self, url: str, body: str) -> None:
        """Show a page at an address of the LMS, or of another site."""
        await self.context.route(url, lambda route: route.fulfill(content_type="text/html", body=body))

    async def authorize(self, route: Route) -> None:
        """Says who it is, by a form that the browser posts."""
        asked = {name: it[0] for name, it in parse_qs(urlsplit(route.request.url).query).items()}
        self.asked.append(asked)
        claims = self.platform.claims(asked["nonce"], self.sandbox.clock())
        fields = {"state": asked["state"], "id_token": signed(claims)}
        inputs = "".join(f'<input name="{name}" value="{escape(it)}">' for name, it in fields.items())
        form = f'<form method="post" action="{escape(asked["redirect_uri"])}">{inputs}</form>'
        await route.fulfill(
            content_type="text/html", body=f"{form}<script>document.forms[0].submit()</script>"
        )


@pytest.fixture
def platform() -> Iterator[Platform]:
    with serving_platform() as platform:
        yield platform


@pytest.fixture(scope="module")
def over_https() -> Iterator[Sandbox]:
    with https("passback.test") as front, serving(public_url=front.url) as sandbox:
        front.port = sandbox.port
        yield sandbox


@pytest.fixture(scope="module")
def over_http() -> Iterator[Sandbox]:
    """Its cookies are not for other sites' pages, so the browser keeps none there."""
    with serving() as sandbox:
        yield sandbox


async def lms_of(sandbox: Sandbox, platform: Platform, context: BrowserContext) -> Lms:
    connect(sandbox, platform, DISTRICT)
    lms = Lms(sandbox, platform, context)
    assert app(sandbox).post("/v3.1/launch_address", {"url": lms.app}).status == 200
    await context.route(f"{ISSUER}/auth?*", lms.authorize)
    return lms


@pytest.fixture
async def blocked(over_http: Sandbox, platform: Platform, context: BrowserContext) -> Lms:
    """An LMS in whose pages the gateway cannot keep cookies."""
    return await lms_of(over_http, platform, context)


async def stop_clock(page: Page) -> None:
    """However busy the machine is, the LMS's page answers in time."""
    await page.clock.install(time=0)
    await page.clock.pause_at(1)


def offer(page: Page) -> Locator:
    """What begins a launch again in a window of its own."""
    return page.frame_locator("[name=tool]").get_by_role("button", name="Open in a new window")


async def arrived(page: Page, lms: Lms) -> None:
    """Somebody is at the application, and it learns who."""
    frame = page.frame("tool")
    assert frame is not None
    await frame.wait_for_url(f"{lms.app}?*")
    known(frame.url, lms)


def known(url: str, lms: Lms) -> None:
    launch = app(lms.sandbox).post(f"/v3.1/launches/{query_of(url)['code']}", b"")
    assert launch.status == 200, launch
    assert launch.data["lms_user_id"] == "lms-user-1"


async def test_a_cookie_is_kept_for_this_lms(
    over_https: Sandbox, platform: Platform, context: BrowserContext, page: Page
) -> None:
    lms = await lms_of(over_https, platform, context)
    await lms.open(page)
    await arrived(page, lms)


async def test_the_lms_keeps_what_cookies_cannot(blocked: Lms, page: Page) -> None:
    await stop_clock(page)
    await blocked.open(page, KEEPS, lti_storage_target="_parent")
    await arrived(page, blocked)
    heard = await page.evaluate("heard")
    assert [it["data"]["subject"] for it in heard] == ["lti.put_data", "lti.get_data"]


async def test_a_frame_of_the_lms_keeps_it(blocked: Lms, page: Page) -> None:
    await stop_clock(page)
    await blocked.open(page, keeper=KEEPS, lti_storage_target="keeper")
    await arrived(page, blocked)
    assert await page.evaluate("heard") == []


async def test_if_nothing_is_kept_it_goes_on_in_a_window_of_its_own(blocked: Lms, page: Page) -> None:
    await blocked.open(page)
    async with page.expect_popup() as opening:
        await offer(page).click()
    window = await opening.value
    await window.wait_for_url(f"{blocked.app}?*")
    known(window.url, blocked)
    [asked] = blocked.asked
    assert (asked["login_hint"], asked["lti_message_hint"]) == ("hint", "<m&m>")


@pytest.mark.parametrize(
    ("script", "target"),
    [
        (HEARS, "_parent"),
        (KEEPS.replace("key, value:", 'error: { code: "no_space" }, key, value:'), "_parent"),
        (KEEPS, "nowhere"),
    ],
    ids=["answers nothing", "refuses", "has no such frame"],
)
async def test_if_the_lms_keeps_nothing_a_window_is_offered(
    blocked: Lms, page: Page, script: str, target: str
) -> None:
    await page.clock.install()
    await blocked.open(page, script, lti_storage_target=target)
    await page.clock.run_for(10_000)
    await offer(page).wait_for()
    assert blocked.asked == []


async def test_what_others_answer_counts_for_nothing(blocked: Lms, page: Page) -> None:
    await page.clock.install()
    await blocked.open(page, lti_storage_target="_parent")
    await page.wait_for_function("heard.length")
    [told] = await page.evaluate("heard")
    key = told["data"]["key"]
    answer = {"subject": "lti.put_data.response", "message_id": key, "key": key, "value": "x"}
    tool = page.frame("tool")
    assert tool is not None
    await tool.evaluate(COUNTS_FIVE)
    say = f"<script>parent.frames.tool.postMessage({json.dumps(answer)}, '*')</script>"
    await blocked.serve(f"{EVIL}/page", say)
    await page.evaluate(f"frames.keeper.location = '{EVIL}/page'")
    for odd in (None, 5, {**answer, "message_id": "another"}, {**answer, "subject": "lti.get_data.response"}):
        await page.evaluate("odd => frames.tool.postMessage(odd, '*')", odd)
    assert sorted(await tool.evaluate("() => window.five")) == [EVIL, *[ISSUER] * 4]
    await page.clock.run_for(10_000)
    await offer(page).wait_for()
    assert blocked.asked == []


async def test_another_site_is_not_told_the_secret(blocked: Lms, page: Page) -> None:
    await page.clock.install()
    await blocked.open(page, KEEPS, KEEPS, at=EVIL, lti_storage_target="_parent")
    await page.clock.run_for(10_000)
    await offer(page).wait_for()
    assert await page.evaluate("heard") == []


async def test_a_choice_goes_to_the_lms_by_itself(blocked: Lms, page: Page) -> None:
    taken: list[str] = []

    async def take(route: Route) -> None:
        taken.append(route.request.post_data or "")
        await route.fulfill(content_type="text/html", body="taken")

    await blocked.context.route(f"{ISSUER}/return", take)
    claims = {
        LTI + "message_type": "LtiDeepLinkingRequest",
        LTI + "resource_link": None,
        LTI + "roles": [MEMBER + "Instructor"],
        DL + "deep_linking_settings": {"deep_link_return_url": f"{ISSUER}/return"},
    }
    reply = start(blocked.sandbox, blocked.platform, claims)
    path = f"/v3.1/launches/{query_of(reply.headers['location'])['code']}/deep_link"
    chosen = app(blocked.sandbox).post(path, {"title": "Fractions"})
    await page.goto(chosen.data["url"])
    await page.get_by_text("taken").wait_for()
    [body] = taken
    assert body.startswith("JWT=ey")


async def test_a_registration_closes_its_window(blocked: Lms, page: Page) -> None:
    platform = blocked.platform
    platform.describe()
    platform.answer = (200, b'{"client_id":"abc","deployment_id":"7"}')
    gateway = blocked.sandbox.gateway
    link = await lti.invite(
        gateway.database, gateway.vault, gateway.clock, gateway.base_url, family="moodle",
        address=f"{platform.url}/", district_id=DISTRICT,
    )  # fmt: skip
    url = f"{link}&{urlencode({'openid_configuration': platform.configuration_url})}"
    await blocked.serve(f"{ISSUER}/admin", f'{_script(HEARS)}<iframe src="{escape(url)}"></iframe>')
    await page.goto(f"{ISSUER}/admin")
    await page.wait_for_function("heard.length")
    assert await page.evaluate("heard[0].data") == {"subject": "org.imsglobal.lti.close"}
