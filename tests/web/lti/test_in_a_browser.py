"""Launches in a real browser, which obeys the pages' scripts, policies and cookies."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from playwright.async_api import Page

from passback_simulators.identities import ALGEBRA, LAUNCH_UNIFIED
from passback_simulators.lti import seed
from support.lti import query_of
from support.sandbox import serving

pytestmark = pytest.mark.anyio

APP = "http://localhost:5000/launch"


async def test_the_sandboxs_own_lms_starts_applications(page: Page) -> None:
    with serving() as sandbox:
        base, app = sandbox.gateway.base_url, sandbox.client("DEMO_LTI_TOKEN")
        assert app.call("POST", "/v3.1/launch_address", {"url": APP}).status == 200
        [reached] = await sandbox.gateway.database.read(
            lambda conn: sandbox.gateway.connectors.of_kind(conn, "lti")
        )
        assert reached.district_id == LAUNCH_UNIFIED.district_id
        tool = {
            "login": f"{base}/lti/login",
            "launch": f"{base}/lti/launch",
            "keys_url": f"{base}/lti/jwks.json",
        }
        told = await page.request.put(f"{reached.address}_simulator/tool", data=tool)
        assert told.ok
        await page.route(f"{APP}?*", lambda route: route.fulfill(body="the application"))

        clicked = {
            "user": seed.person_lms_id("000001"),
            "course": seed.SECTION_LMS_ID[ALGEBRA.digits],
            "choose": "1",
        }
        await page.goto(f"{reached.address}_simulator/open?{urlencode(clicked)}")
        await page.wait_for_url(f"{APP}?*")
        launch = app.call("POST", f"/v3.1/launches/{query_of(page.url)['code']}", b"").data
        assert (launch["section_id"], launch["user_id"]) == (
            LAUNCH_UNIFIED.id("000007"),
            LAUNCH_UNIFIED.id("000001"),
        )
