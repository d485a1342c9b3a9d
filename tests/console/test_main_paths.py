"""The main path of each page in a real browser, with the mouse and with the keyboard alone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from passback.domain.clock import system_clock
from passback.operations import accounts
from passback.store.engine.database import Connection
from passback.testing import served as simulators
from passback.testing.served import Served
from passback_simulators.canvas import seed
from passback_simulators.canvas.app import CanvasSimulator
from support.console import OWNER, PASSWORD
from support.hands import Hand, Keyboard, Mouse
from support.rosters import CLEVER, zipped
from support.sandbox import DISTRICT, SECTION, Sandbox, serving
from support.webhooks import Endpoint

if TYPE_CHECKING:
    from playwright.async_api import Dialog, Locator, Page

pytestmark = pytest.mark.anyio

CANVAS = "4fee004cca2e43cfca"
IN_CANVAS = f"/console/districts/{CANVAS}000000"
UNDECIDED = ("4fee004cca2e43cfca001009", "4fee004cca2e43cfca001010")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A sandbox with work in the built-in gradebook and in Canvas, matches to decide, and grades that did not arrive."""
    with serving() as served:
        served.create(title="Essay 1")
        served.write(_make_undecided)
        yield served


def _make_undecided(conn: Connection) -> None:
    for id_ in UNDECIDED:
        conn.execute("UPDATE users SET lms_id = NULL WHERE id = :id", {"id": id_})
        conn.execute(
            "INSERT INTO match_candidates (district_id, id, lms_id, name, reason)"
            " VALUES (:district, :id, :lms, 'Somebody', 'the names differ')",
            {"district": CANVAS + "000000", "id": id_, "lms": "99" + id_[-4:]},
        )


@pytest.fixture(scope="module")
def production() -> Iterator[Sandbox]:
    """A gateway in production without any district, and an owner."""
    with serving(kind="production") as served, ThreadPoolExecutor(1) as beside:
        made = accounts.create(served.gateway.database, OWNER, "owner", served.clock, password=PASSWORD)
        beside.submit(asyncio.run, made).result()
        yield served


@pytest.fixture(scope="module")
def canvas() -> Iterator[Served]:
    simulator = CanvasSimulator(system_clock)
    simulator.start()
    with simulators.serving(simulator) as served:
        yield served


@pytest.fixture(params=[Mouse, Keyboard], ids=["mouse", "keyboard"])
def hand(request: pytest.FixtureRequest, page: Page) -> Hand:
    """Somebody who uses the page; what a dialog asks is answered with yes."""

    async def accept(dialog: Dialog) -> None:
        await dialog.accept()

    page.on("dialog", accept)
    made: Hand = request.param(page)
    return made


@pytest.fixture
def way(hand: Hand) -> str:
    """The name of the hand, for what each makes of its own."""
    return type(hand).__name__


class Window:
    """A window, and what is in it by its role and name."""

    def __init__(self, page: Page, port: int) -> None:
        self.page = page
        self._base = f"http://127.0.0.1:{port}"

    async def open(self, path: str) -> None:
        await self.page.goto(self._base + path)

    def link(self, name: str) -> Locator:
        return self.page.get_by_role("link", name=name, exact=True)

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def field(self, label: str) -> Locator:
        return self.page.get_by_label(label, exact=True)

    async def shows(self, text: str) -> None:
        await self.page.get_by_text(text).first.wait_for()


@pytest.fixture
def window(page: Page, sandbox: Sandbox) -> Window:
    sandbox.close()  # the server ends connections that are idle while other tests run; the next request opens one
    return Window(page, sandbox.port)


@pytest.fixture
async def office(hand: Hand, page: Page, production: Sandbox) -> Window:
    """A window of the owner, who has signed in."""
    window = Window(page, production.port)
    await window.open("/console")
    await hand.fill(window.field("Name"), OWNER)
    await hand.fill(window.field("Password"), PASSWORD)
    await hand.press(window.button("Sign in"))
    await page.get_by_role("heading", name="Districts").wait_for()
    return window


def _fail(sandbox: Sandbox, student: str) -> None:
    """Have a grade of a student not arrive in Canvas."""
    canvas = sandbox.client("DEMO_CANVAS_TOKEN")
    section = f"/v3.1/sections/{CANVAS}000007/assignments"
    work = {"title": "Owls", "description": "x", "due_date": "2030-06-01T23:59:00Z", "points_possible": 9}
    made = canvas.post(section, work).data["id"]
    path = f"{section}/{made}/submissions/{CANVAS}00{student}"
    assert canvas.call("PATCH", path, {"grade_points": 7}, {"Sandbox-Fault": "error-before"}).status == 500


async def test_what_did_not_arrive_is_retried(hand: Hand, window: Window, sandbox: Sandbox) -> None:
    for student in ("1001", "1002"):
        _fail(sandbox, student)
    sandbox.clock.advance(hours=1)  # past what spares an LMS that is down
    await window.open("/console")
    await hand.press(window.link("Not arrived"))
    await hand.press(window.field("Select all"))
    await hand.press(window.button("Retry what is selected"))
    await window.shows("2 deliveries will be tried now.")


async def test_each_question_is_answered_two_steps_from_the_start(hand: Hand, window: Window) -> None:
    for steps, answer in (
        ((), "Districts"),
        (("Not arrived",), "Not arrived"),
        (("Canvas Unified", "Matches"), "To decide"),
        (("Connect an LMS", "Canvas"), "What it gave you"),
        (("Canvas Unified", "Connection"), "Sync"),
        (("Canvas Unified", "Roster"), "Upload a roster"),
        (("Canvas Unified", "Apps"), "New token"),
        (("Audit",), "What was done"),
        (("Built-in gradebook", "Algebra 1"), "Algebra 1"),
        (("Sandbox", "Errors"), "The fifteen published errors"),
        (("Sandbox", "Clock and reset"), "Back to the start"),
    ):
        await window.open("/console")
        for step in steps:
            await hand.press(
                window.page.get_by_role("main")
                .or_(window.page.get_by_role("navigation"))
                .get_by_role("link", name=step, exact=True)
                .first
            )
        await window.page.get_by_role("heading", name=answer, exact=True).wait_for()


async def test_a_match_is_decided_and_taken_back(hand: Hand, window: Window, way: str) -> None:
    await window.open(f"{IN_CANVAS}/matches/{UNDECIDED[way == 'Mouse']}")
    await hand.press(window.button("It is this one (1)"))
    await window.page.wait_for_url("**/matches*before=*")
    await hand.press(window.button("Undo (u)"))
    await window.shows("Not matched, and no candidate")


async def test_a_connection_is_checked_read_and_probed(hand: Hand, window: Window) -> None:
    await window.open(f"{IN_CANVAS}/connection")
    await hand.press(window.button("Check it now"))
    await window.page.get_by_role("heading", name="The check, right by right").wait_for()
    await hand.choose(window.field("In which section?"), "Alg")
    await hand.press(window.button("Create, grade and delete"))
    await window.shows("the assignment was deleted")


async def test_an_lms_is_connected(hand: Hand, office: Window, canvas: Served, way: str) -> None:
    await hand.press(office.link("Connect an LMS"))
    await hand.press(office.link("Canvas"))
    await hand.fill(office.field("Name of the new district"), f"Canvas by {way}")
    await hand.fill(office.field("Address"), canvas.url)
    await hand.fill(office.field("Access token"), "nonsense")
    await hand.press(office.button("Check and connect"))
    await office.shows("It does not work yet, so nothing has been changed")
    await hand.fill(office.field("Access token"), seed.ADMIN_TOKEN)
    await hand.press(office.button("Check and connect"))
    await office.page.get_by_role("heading", name=f"Canvas by {way}").wait_for()
    await hand.press(office.link("Upload one, or take the LMS's"))
    await hand.press(office.button("Take the roster from the LMS"))
    await office.shows("Synced ")
    await hand.press(office.button("Sync now"))
    await hand.press(office.button("Remove"))
    await office.shows("has no connection of its own")


async def test_somebody_signs_in_at_the_lms(hand: Hand, office: Window, canvas: Served, way: str) -> None:
    await hand.press(office.link("Connect an LMS"))
    await hand.press(office.link("Canvas"))
    await hand.fill(office.field("Name of the new district"), f"Signed in by {way}")
    await hand.fill(office.field("Address"), canvas.url)
    await hand.fill(office.field("Client ID"), seed.CLIENT_ID)
    await hand.fill(office.field("Client secret"), seed.CLIENT_SECRET)
    await hand.press(office.button("Sign in to Canvas"))
    await office.page.wait_for_url(f"{canvas.url}/login/oauth2/**")
    await hand.press(office.page.get_by_role("button").first)
    await office.page.get_by_role("heading", name=f"Signed in by {way}").wait_for()


async def test_a_roster_is_uploaded_and_applied(hand: Hand, office: Window, tmp_path: Path, way: str) -> None:
    await hand.press(office.link("Connect an LMS"))
    await hand.fill(office.field("Name of the new district"), f"Own by {way}")
    await hand.press(office.button("Use the built-in gradebook"))
    await office.page.get_by_role("heading", name="Upload a roster").wait_for()
    await hand.upload(office.page.locator("#file"), zipped(tmp_path / "fall.zip", CLEVER))
    await hand.press(office.button("Upload and check"))
    await office.page.get_by_role("heading", name="What would change").wait_for()
    await hand.press(office.button("Make this the roster"))
    await office.shows("It is the district's roster now.")


async def test_an_account_is_created_reset_and_disabled(hand: Hand, office: Window, way: str) -> None:
    name = f"{way.lower()}@x.org"
    await hand.press(office.link("Accounts"))
    await hand.fill(office.field("Name, such as an e-mail address"), name)
    await hand.choose(office.field("Role"), "admin")
    await hand.press(office.button("Create account"))
    await office.shows(f"The password of {name}.")
    row = office.page.get_by_role("row", name=name)
    assert "admin" in (await row.text_content() or "")
    await hand.press(row.get_by_role("button", name="Reset password"))
    await office.shows(f"The password of {name}.")
    await hand.press(row.get_by_role("button", name="Disable"))
    await row.get_by_role("button", name="Enable").wait_for()
    await hand.press(office.link("Audit"))
    await hand.fill(office.field("What"), "account.disabled")
    await hand.press(office.button("Filter"))
    await office.page.get_by_role("row", name=name).wait_for()
    await hand.press(office.button("Sign out"))
    await office.page.get_by_role("heading", name="Sign in").wait_for()


async def test_a_token_is_created_rotated_and_revoked(hand: Hand, window: Window, way: str) -> None:
    await window.open(f"{IN_CANVAS}/apps")
    await hand.fill(window.field("App"), f"Reading by {way}")
    await hand.press(window.button("Create token"))
    await window.shows(f"The token of Reading by {way}.")
    await window.page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    await hand.press(window.button("Copy"))
    await window.button("Selected").wait_for()
    shown = await window.page.locator("#new-token").inner_text()
    assert (await window.page.evaluate("getSelection().toString()")).strip() == shown
    rows = window.page.get_by_role("row", name=f"Reading by {way}")
    await hand.press(rows.get_by_role("button", name="Rotate"))
    await rows.nth(1).wait_for()
    await hand.press(rows.get_by_role("button", name="Revoke").first)
    await window.page.get_by_role("heading", name="Ended").wait_for()


async def test_a_webhook_is_tested_rotated_and_disabled(
    hand: Hand, window: Window, sandbox: Sandbox, app: Endpoint
) -> None:
    made = sandbox.post("/v3.1/webhooks", {"url": f"http://127.0.0.1:{app.port}/hook"}).data["id"]
    await window.open(f"/console/districts/{DISTRICT}/apps")
    await hand.press(window.page.locator(f"a[href$='{made}']"))
    await hand.press(window.button("Send a test message"))
    await window.shows("The test message has arrived.")
    await hand.press(window.button("Rotate the secret"))
    await window.shows("The new secret.")
    await hand.press(window.button("Disable"))
    await window.button("Enable").wait_for()


async def test_a_grade_is_found_with_its_whole_story(hand: Hand, window: Window, sandbox: Sandbox) -> None:
    _fail(sandbox, "1003")
    await window.open("/console")
    await hand.fill(window.page.get_by_role("searchbox"), "Chloe Cas")
    await window.page.keyboard.press("Enter")
    await hand.press(window.page.locator(f"a[href*='/people/{CANVAS}001003']"))
    await hand.press(window.page.locator("td, th").locator("a[href*='/deliveries/']").first)
    await window.page.get_by_role("heading", name="What happened").wait_for()
    await hand.press(window.button("What does the LMS hold now?"))
    await window.button("Look again").wait_for()


async def test_an_assignment_is_changed_in_the_gradebook(
    hand: Hand, window: Window, way: str, sandbox: Sandbox
) -> None:
    await window.open(f"/console/districts/{DISTRICT}/gradebook")
    await hand.press(window.page.locator(f"a[href$='/{SECTION}']"))
    async with window.page.expect_response("**/gradebook/**") as answered:
        await hand.fill(window.field("Essay 1, Ada Abbott"), "12" if way == "Mouse" else "13")
        await window.page.keyboard.press("Enter")
    assert (await answered.value).status == 200
    await hand.press(window.link("Essay 1"))
    day = 1 + (way == "Mouse")
    await hand.fill(window.field("Due"), f"2031-06-0{day}T23:59")
    await hand.press(window.button("Change the assignment"))
    await window.shows("The assignment is changed.")
    [changed] = sandbox.get(f"/v3.1/sections/{SECTION}/assignments").data
    assert changed["due_date"] == f"2031-06-0{day + 1}T02:29:00.000Z"
    await hand.fill(window.field("Comment to Ada Abbott"), f"Said by {way}")
    await hand.press(window.button("Save"))
    await window.shows("1 student changed.")


async def test_the_sandboxs_teacher_moves_a_due_date(hand: Hand, window: Window, sandbox: Sandbox) -> None:
    await window.open("/console")
    await hand.press(window.link("Sandbox"))
    await hand.press(window.button("Create an assignment"))
    await window.page.get_by_role("heading", name="Calls to the LMS").wait_for()
    await hand.press(window.link("Gradebook"))
    await hand.fill(window.field("New title"), "Owls")
    await hand.fill(window.field("New due date"), "2031-02-03T12:00")
    await hand.press(window.button("Change the assignment"))
    await window.shows("The assignment was changed. The API sees it with its next call.")
    found = sandbox.client("DEMO_CANVAS_TOKEN").get(f"/v3.1/sections/{CANVAS}000007/assignments").data
    assert ("Owls", "2031-02-03T15:30:00.000Z") in {(it["title"], it["due_date"]) for it in found}


async def test_the_sandboxs_errors_and_clock_are_used(hand: Hand, window: Window) -> None:
    await window.open("/console/sandbox/errors")
    await hand.press(window.button("Send row 14"))
    await window.shows("Row 14:")
    await hand.press(window.link("Clock and reset"))
    await hand.press(window.button("A day on"))
    await hand.press(window.button("Back to this machine's time"))
    await window.button("Back to this machine's time").wait_for(state="detached")


async def test_a_refused_form_leads_back_to_its_page(hand: Hand, window: Window) -> None:
    await window.open("/console/sandbox/gradebook")
    await hand.fill(window.field("Id of a student of the district"), "nobody")
    await hand.press(window.button("Enroll"))
    await window.shows("There is no student nobody")
    await hand.press(window.link("Back to the page"))
    await window.page.get_by_role("heading", name="As the registrar").wait_for()


async def test_a_page_says_that_its_session_has_ended(hand: Hand, office: Window) -> None:
    await office.page.clock.install()
    await office.page.reload()
    await office.page.context.clear_cookies()
    await office.page.clock.run_for(11_000)
    await office.shows("You are no longer signed in.")
    await hand.press(office.link("Sign in again"))
    await office.page.wait_for_url("**/console/sign-in?next=%2Fconsole%2Fdistricts")


async def test_a_form_of_a_session_that_has_ended_leads_back_to_its_page(hand: Hand, office: Window) -> None:
    await hand.press(office.link("Accounts"))
    await hand.fill(office.field("Name, such as an e-mail address"), "lost@x.org")
    await office.page.context.clear_cookies()
    await hand.press(office.button("Create account"))
    await office.shows("You are no longer signed in, so what you sent is not saved.")
    await hand.fill(office.field("Name"), OWNER)
    await hand.fill(office.field("Password"), PASSWORD)
    await hand.press(office.button("Sign in"))
    await office.page.get_by_role("heading", name="New account").wait_for()
    assert await office.page.get_by_text("lost@x.org").count() == 0
