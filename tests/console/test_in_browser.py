"""The console in a real browser: what axe finds, and what the keyboard alone can do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Literal
from urllib.parse import parse_qs

import pytest

from passback.console import figures
from passback.store.engine.database import Connection
from support.browser import violations
from support.sandbox import SECTION as ALGEBRA
from support.sandbox import STUDENT, Sandbox, serving

if TYPE_CHECKING:
    from playwright.async_api import Dialog, Page

pytestmark = pytest.mark.anyio

CANVAS = "/console/districts/4fee004cca2e43cfca000000"
UNDECIDED = "4fee004cca2e43cfca001009"
"""A student whose match a person must decide."""
BUILTIN = "/console/districts/4fee004cca2e43cf27000000/gradebook"
PAGES = (
    "/console/districts",
    CANVAS,
    "/console/not-arrived",
    f"{CANVAS}/not-arrived",
    f"{CANVAS}/matches",
    f"{CANVAS}/matches/{UNDECIDED}",
    BUILTIN,
    f"{BUILTIN}/{ALGEBRA}",
    f"{CANVAS}/roster",
    f"{CANVAS}/connection",
    "/console/connect",
    "/console/connect/canvas",
    "/console/connect/lti",
    f"{CANVAS}/apps",
    "/console/search?q=abb",
    "/console/search?q=nothing-of-that",
    f"{CANVAS}/people/4fee004cca2e43cfca001001",
    "/console/audit",
    "/console/audit?since=soon&until=2030-06-01T12:00",
    "/console/accounts",
    "/console/account",
    "/console/sandbox",
    "/console/sandbox/requests/1",
    "/console/sandbox/gradebook",
    "/console/sandbox/errors",
    "/console/sandbox/clock",
    "/console/nothing",
    "/console/sign-in",
)
SECTION = "4fee004cca2e43cfca000007"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A sandbox in which a grade did not arrive."""
    with serving() as served:
        canvas = served.client("DEMO_CANVAS_TOKEN")
        assignment = canvas.post(
            f"/v3.1/sections/{SECTION}/assignments",
            {
                "title": "Fractions",
                "description": "x",
                "due_date": "2030-06-01T23:59:00Z",
                "points_possible": 9,
            },
        ).data["id"]
        path = f"/v3.1/sections/{SECTION}/assignments/{assignment}/submissions/4fee004cca2e43cfca001001"
        assert (
            canvas.call("PATCH", path, {"grade_points": 7}, {"Sandbox-Fault": "error-before"}).status == 500
        )
        served.write(_make_undecided)
        served.create(title="Essay 1")
        yield served


def _make_undecided(conn: Connection) -> None:
    conn.execute("UPDATE users SET lms_id = NULL WHERE id = :id", {"id": UNDECIDED})
    for lms_id in ("9977", "9978"):
        conn.execute(
            "INSERT INTO match_candidates (district_id, id, lms_id, name, reason)"
            " VALUES (:district, :id, :lms, 'Ada Abbott', 'two have this name')",
            {"district": CANVAS[-24:], "id": UNDECIDED, "lms": lms_id},
        )


@pytest.fixture
async def console(page: Page, sandbox: Sandbox) -> Page:
    """A window on the console's first page."""
    sandbox.close()  # the server ends connections that are idle while other tests run; the next request opens one
    await page.goto(f"http://127.0.0.1:{sandbox.port}/")
    return page


@pytest.mark.parametrize("width", [1280, 380], ids=["wide", "narrow"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing(scheme: Literal["light", "dark"], width: int, console: Page) -> None:
    await console.emulate_media(color_scheme=scheme)
    await console.set_viewport_size({"width": width, "height": 800})
    base = console.url.partition("/console")[0]
    found = {}
    for path in PAGES:
        await console.goto(base + path)
        if problems := await violations(console):
            found[path] = problems
    assert found == {}


@pytest.mark.parametrize("width", [1280, 380], ids=["wide", "narrow"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_in_the_reference_and_its_operations(
    scheme: Literal["light", "dark"], width: int, console: Page
) -> None:
    await console.emulate_media(color_scheme=scheme)
    await console.set_viewport_size({"width": width, "height": 800})
    await console.goto(console.url.partition("/console")[0] + "/docs")
    for method in ("get", "post", "put", "patch", "delete"):
        operation = console.locator(f".opblock-{method}").first
        await operation.locator(".opblock-summary-control").click()
        await operation.locator(".execute").wait_for()
    await console.locator(".opblock-post .execute").first.click()
    await console.locator(".opblock-post .live-responses-table").first.wait_for()
    await console.locator(".models-control").click()
    assert await violations(console) == []
    assert await console.evaluate("document.documentElement.scrollWidth") <= width
    await console.locator(".btn.authorize").first.click()
    await console.locator(".dialog-ux").wait_for()
    assert await violations(console) == []


_WITHOUT_A_MARK = """
[...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']")]
  .filter((it) => it.checkVisibility())
  .filter((it) => {
    it.focus({ focusVisible: true });
    const { outlineStyle, outlineWidth } = getComputedStyle(it);
    return document.activeElement === it && (outlineStyle === "none" || parseFloat(outlineWidth) < 2);
  })
  .map((it) => it.outerHTML)
"""


async def test_whatever_has_the_focus_is_marked(console: Page) -> None:
    base = console.url.partition("/console")[0]
    for path in PAGES:
        await console.goto(base + path)
        assert await console.evaluate(_WITHOUT_A_MARK) == [], path


async def test_no_page_is_wider_than_a_phone(console: Page) -> None:
    await console.set_viewport_size({"width": 320, "height": 800})  # as WCAG 1.4.10 has it
    base = console.url.partition("/console")[0]
    for path in PAGES:
        await console.goto(base + path)
        assert await console.evaluate("document.documentElement.scrollWidth") <= 320, path


_LONG = "Wolfeschlegelsteinhausenbergerdorffwelchevoralternwaren" * 3


@pytest.mark.parametrize("width", [1280, 380], ids=["wide", "narrow"])
async def test_a_long_name_pushes_nothing_out_of_sight(width: int, console: Page, sandbox: Sandbox) -> None:
    def rename(name: str) -> None:
        for student in ("4fee004cca2e43cfca001001", STUDENT):
            sandbox.write(partial(_rename, student, name))

    base = console.url.partition("/console")[0]
    await console.set_viewport_size({"width": width, "height": 800})
    rename(_LONG)
    try:
        await console.goto(f"{base}/console/not-arrived")
        delivery = await console.locator("tbody a[href*='/deliveries/']").first.get_attribute("href")
        people = f"{CANVAS}/people/4fee004cca2e43cfca001001"
        for path in (
            "/console/not-arrived",
            delivery,
            people,
            f"{BUILTIN}/{ALGEBRA}",
            "/console/search?q=wolfe",
        ):
            await console.goto(f"{base}{path}")
            assert await console.get_by_text(_LONG).count(), path
            assert await console.evaluate("document.documentElement.scrollWidth") <= width, path
            if width == 1280:
                assert await console.evaluate(_SCROLLS) == [], path
    finally:
        rename("Ada")


_SCROLLS = """
[...document.querySelectorAll(".scroll")].filter((it) => it.scrollWidth > it.clientWidth).map((it) => it.outerHTML)
"""


def _rename(student: str, name: str, conn: Connection) -> None:
    conn.execute("UPDATE users SET first_name = :name WHERE id = :id", {"name": name, "id": student})


async def test_a_grade_is_retried_with_the_keyboard_alone(console: Page, sandbox: Sandbox) -> None:
    base = console.url.partition("/console")[0]
    await console.goto(f"{base}/console/not-arrived")
    await console.keyboard.press("j")
    await console.keyboard.press("x")
    assert await console.locator("input[name=delivery]").is_checked()
    await console.keyboard.press("Enter")
    await console.wait_for_url("**/console/deliveries/*")
    await console.get_by_role("button", name="Retry now").focus()
    await console.keyboard.press("Enter")
    await console.get_by_role("heading", name="Grade of Ada Abbott").wait_for()
    assert "/console/deliveries/" in console.url


async def test_a_match_is_decided_and_undone_with_single_keys(console: Page) -> None:
    base = console.url.partition("/console")[0]
    await console.goto(f"{base}{CANVAS}/matches")
    await console.keyboard.press("j")
    await console.keyboard.press("Enter")
    await console.get_by_role("button", name="It is this one (1)").wait_for()
    await console.wait_for_load_state()
    await console.keyboard.press("1")
    await console.get_by_text("That was the last one that waited.").wait_for()
    await console.wait_for_load_state()
    await console.keyboard.press("u")
    await console.get_by_text("Not matched, and no candidate").first.wait_for()


async def test_grades_are_typed_one_below_the_other(console: Page, sandbox: Sandbox) -> None:
    base = console.url.partition("/console")[0]
    await console.goto(f"{base}{BUILTIN}/{ALGEBRA}")
    cells = console.locator("td.cell input")
    await cells.nth(0).focus()
    for grade in ("8", "many", "ex"):
        async with console.expect_response("**/gradebook/**") as answered:
            await console.keyboard.type(grade)
            await console.keyboard.press("Enter")
        assert (await answered.value).status == (422 if grade == "many" else 200)
    await console.get_by_role("alert").wait_for()
    assert [await cells.nth(it).input_value() for it in range(3)] == ["8", "many", "EX"]
    assert await cells.nth(1).get_attribute("aria-invalid") == "true"


async def test_what_nobody_touches_stays_as_it_is(console: Page, sandbox: Sandbox) -> None:
    base = console.url.partition("/console")[0]
    [assignment] = sandbox.get(f"/v3.1/sections/{ALGEBRA}/assignments").data
    path = f"/v3.1/sections/{ALGEBRA}/assignments/{assignment['id']}"
    due = "2031-11-02T05:00:00.123Z"  # half past one for the second time, where the browser is
    sandbox.patch(path, {"due_date": due})
    sandbox.patch(f"{path}/submissions/{STUDENT}", {"grade_comment": "Well done.\nSee me."})
    await console.goto(f"{base}{BUILTIN}/{ALGEBRA}/{assignment['id']}")
    assert await console.get_by_label("Due", exact=True).input_value() == "2031-11-02T01:30:00.123"
    async with console.expect_request("**/gradebook/**") as sent:
        await console.get_by_role("button", name="Change the assignment").click()
    assert parse_qs((await sent.value).post_data)["due_date"] == [due]
    await console.get_by_text("Nothing was changed.").wait_for()
    await console.get_by_role("button", name="Save").click()
    await console.get_by_text("0 students changed.").wait_for()


async def test_what_the_api_writes_appears_but_not_under_somebodys_hands(
    console: Page, sandbox: Sandbox
) -> None:
    base = console.url.partition("/console")[0]
    sheet = f"{base}{BUILTIN}/{ALGEBRA}"
    await console.clock.install()
    await console.goto(sheet)
    typed = console.get_by_label("Essay 1, Ada Abbott")
    await typed.fill("7")
    [assignment] = sandbox.get(f"/v3.1/sections/{ALGEBRA}/assignments").data
    path = f"/v3.1/sections/{ALGEBRA}/assignments/{assignment['id']}/submissions/4fee004cca2e43cf27001004"
    sandbox.patch(path, {"grade_points": 19})
    await console.clock.run_for(11_000)
    assert await typed.input_value() == "7"
    await typed.fill(await typed.evaluate("it => it.defaultValue"))
    async with console.expect_response(sheet + "?skip=0"):
        await console.clock.run_for(6_000)
    await console.locator("input[value='19']").wait_for()


async def test_a_grade_is_found_with_the_keyboard_alone(console: Page) -> None:
    await console.keyboard.press("/")
    await console.keyboard.type("fracti")
    await console.keyboard.press("Enter")
    await console.wait_for_url("**/console/search?q=fracti")
    await console.keyboard.press("j")
    await console.keyboard.press("Enter")
    await console.wait_for_url("**/assignments/*")
    assert await violations(console) == []
    await console.get_by_role("row", name="Ada Abbott").locator("a[href*='/deliveries/']").click()
    await console.get_by_role("heading", name="Grade of Ada Abbott in Fractions").wait_for()
    await console.get_by_text("requests to the LMS").first.click()
    await console.get_by_text("status 500", exact=False).first.wait_for()


async def test_what_the_lms_holds_is_read_into_the_page(console: Page) -> None:
    base = console.url.partition("/console")[0]
    await console.goto(f"{base}/console/search?q=fracti")
    await console.get_by_role("link", name="Fractions").click()
    await console.get_by_role("row", name="Ada Abbott").locator("a[href*='/deliveries/']").click()
    await console.get_by_role("heading", name="Grade of Ada Abbott in Fractions").wait_for()
    await console.evaluate("document.documentElement.dataset.mark = 'same page'")
    await console.get_by_role("button", name="What does the LMS hold now?").focus()
    await console.keyboard.press("Enter")
    await console.get_by_role("columnheader", name="The LMS holds").wait_for()
    assert await console.evaluate("document.documentElement.dataset.mark") == "same page"
    assert await console.evaluate("document.activeElement.id") == "look"
    assert await violations(console) == []


async def test_figures_are_drawn_and_told_in_a_table(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "EVERY_SECONDS", 0.05)
    with serving() as served:
        chart = page.locator("#figures canvas").first
        async with asyncio.timeout(20):
            while not await chart.is_visible():
                await page.goto(f"http://127.0.0.1:{served.port}/console/districts")
        await page.get_by_text("The charts as a table").click()
        await page.get_by_role("columnheader", name="From apps, a minute").wait_for()
        assert await violations(page) == []


async def test_the_theme_is_changed_and_kept(console: Page) -> None:
    await console.emulate_media(color_scheme="light")
    await console.get_by_role("button", name="Light or dark").click()
    await console.reload()
    assert await console.evaluate("document.documentElement.dataset.theme") == "dark"


async def test_single_keys_and_live_updates_can_be_turned_off(console: Page) -> None:
    await console.clock.install()
    for switch in ("Single keys", "Live updates"):
        await console.get_by_role("button", name=f"{switch}: on").click()
    await console.reload()
    await console.get_by_role("button", name="Live updates: off").wait_for()
    asked: list[str] = []
    console.on("request", lambda it: asked.append(it.url))
    await console.keyboard.press("j")
    await console.clock.run_for(31_000)
    assert (await console.evaluate("document.activeElement.tagName"), asked) == ("BODY", [])


async def test_a_token_is_created_and_copied(console: Page) -> None:
    base = console.url.partition("/console")[0]
    await console.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await console.goto(f"{base}{CANVAS}/apps")
    await console.get_by_label("App", exact=True).fill("Reading")
    await console.get_by_role("button", name="Create token").click()
    await console.get_by_role("button", name="Copy").click()
    await console.get_by_role("button", name="Copied").wait_for()
    shown = await console.locator("#new-token").text_content()
    assert await console.evaluate("navigator.clipboard.readText()") == shown


async def test_the_table_of_districts_is_read_again_by_itself(console: Page) -> None:
    await console.clock.install()
    await console.reload()
    async with console.expect_response("**/console/districts") as answered:
        await console.clock.run_for(11_000)
    assert (await answered.value).status == 200
    assert await console.get_by_role("link", name="Canvas Unified").count() == 1


async def test_a_grade_is_seen_to_arrive_with_the_mouse(console: Page, sandbox: Sandbox) -> None:
    base = console.url.partition("/console")[0]
    await console.goto(f"{base}/console/sandbox")
    await console.get_by_label("Grade of the first student").fill("8.25")
    await console.get_by_role("button", name="Send the grade").click()
    await console.wait_for_url("**/console/sandbox/requests/*")
    await console.get_by_role("heading", name="Calls to the LMS").wait_for()
    await console.get_by_role("cell", name="8.25").wait_for()
    await console.get_by_role("link", name="All requests").click()
    await console.get_by_role("button", name="error-before").click()
    await console.locator(".state.bad", has_text="500").first.wait_for()
    await console.get_by_role("link", name="Errors").click()
    await console.get_by_role("button", name="Send row 14").click()
    assert '{"message":"User not found"}' in (await console.locator("pre").nth(1).text_content() or "")


async def test_the_sandbox_is_used_with_the_keyboard_alone(console: Page, sandbox: Sandbox) -> None:
    base = console.url.partition("/console")[0]

    async def press(name: str) -> None:
        await console.get_by_role("button", name=name, exact=True).focus()
        await console.keyboard.press("Enter")

    await console.goto(f"{base}/console/sandbox")
    await press("throttled")
    await console.wait_for_url("**/console/sandbox/requests/*")
    await console.goto(f"{base}/console/sandbox")
    await console.keyboard.press("j")
    await console.keyboard.press("Enter")
    await console.wait_for_url("**/console/sandbox/requests/*")
    await console.goto(f"{base}/console/sandbox/clock")
    await press("A day on")
    await press("Back to this machine's time")
    await console.get_by_role("button", name="A day on").wait_for()
    assert not sandbox.client(None).get("/sandbox/clock").json["moved_by_seconds"]


async def test_a_reset_is_asked_first(console: Page, sandbox: Sandbox) -> None:
    base = console.url.partition("/console")[0]
    before = sandbox.client(None).get("/sandbox/state").body
    await console.goto(f"{base}/console/sandbox/clock")
    asked: list[str] = []

    async def dismiss(dialog: Dialog) -> None:
        asked.append(dialog.message)
        await dialog.dismiss()

    console.on("dialog", dismiss)
    await console.get_by_role("button", name="Reset the sandbox").click()
    assert len(asked) == 1
    assert sandbox.client(None).get("/sandbox/state").body == before


async def test_the_gradebook_beside_shows_a_grade_by_itself(console: Page, sandbox: Sandbox) -> None:
    base = console.url.partition("/console")[0]
    await console.clock.install()
    await console.goto(f"{base}/console/sandbox")
    book = sandbox.client(None).get(f"/sandbox/teacher/sections/{SECTION}").data
    assignment = book["assignments"][0]["id"]
    path = (
        f"/sandbox/teacher/sections/{SECTION}/assignments/{assignment}/submissions/4fee004cca2e43cfca001005"
    )
    assert sandbox.client(None).patch(path, {"grade_points": 3.75}).status == 200
    await console.clock.run_for(4_000)
    await console.get_by_role("cell", name="3.75").wait_for()


async def test_the_requests_and_the_gradebook_beside_are_read_at_once(
    console: Page, sandbox: Sandbox
) -> None:
    from playwright.async_api import expect

    base = console.url.partition("/console")[0]
    await console.clock.install()
    await console.goto(f"{base}/console/sandbox")
    asked: list[str] = []
    console.on("request", lambda it: asked.append(it.url))
    sandbox.client("DEMO_CANVAS_TOKEN").get(f"/v3.1/sections/{SECTION}/assignments?limit=1")
    newest = console.locator("#journal tbody a").first
    before = await newest.get_attribute("href")
    await console.clock.run_for(3_100)
    await expect(newest).not_to_have_attribute("href", before or "")
    assert sum("/console/sandbox?" in it for it in asked) == 1


async def test_an_edit_of_a_page_from_before_another_sign_in_is_not_lost_silently(console: Page) -> None:
    base = console.url.partition("/console")[0]
    await console.goto(f"{base}{BUILTIN}/{ALGEBRA}")
    await console.context.clear_cookies()
    cell = console.locator("td.cell input").last
    await cell.fill("9")
    await console.keyboard.press("Enter")
    await console.get_by_text("You have signed in again since this page was opened.").wait_for()
    assert await cell.input_value() == "9"
    assert await violations(console) == []
    await console.get_by_role("link", name="Reload it").click()
    await console.get_by_role("alert").wait_for(state="detached")


async def test_an_edit_that_does_not_reach_the_server_is_not_lost_silently(console: Page) -> None:
    base = console.url.partition("/console")[0]
    await console.goto(f"{base}{BUILTIN}/{ALGEBRA}")
    cell = console.locator("td.cell input").last
    await console.context.set_offline(True)
    await cell.fill("9")
    await console.keyboard.press("Enter")
    await console.get_by_text("The server does not answer. What you changed last is not saved.").wait_for()
    await console.context.set_offline(False)
    assert await cell.input_value() == "9"
    assert await cell.get_attribute("aria-invalid") == "true"
    await cell.fill("9.5")
    await console.keyboard.press("Enter")
    await console.get_by_role("alert").wait_for(state="detached")
    assert await cell.input_value() == "9.5"


async def test_the_way_back_shows_what_was_saved(console: Page) -> None:
    base = console.url.partition("/console")[0]
    await console.goto(f"{base}{BUILTIN}/{ALGEBRA}")
    cell = console.get_by_label("Essay 1, Zoe Zimmer")
    await cell.fill("6")
    async with console.expect_response("**/gradebook/**"):
        await console.keyboard.press("Enter")
    await console.locator("input[value='6']").wait_for()
    async with console.context.expect_page() as opened:
        await console.get_by_role("link", name="Essay 1").click(modifiers=["ControlOrMeta"])
    await (await opened.value).get_by_label("Title").wait_for()
    await console.get_by_role("link", name="Essay 1").click()
    await console.get_by_label("Title").wait_for()
    await console.go_back()
    assert await cell.input_value() == "6"
