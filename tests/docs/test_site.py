"""The documentation's site: built from the pages, and served by a gateway."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote, urlsplit

import pytest
from docs.site import build

from passback import app
from passback.web.guide import Guide
from support.browser import violations
from support.sandbox import Sandbox, serving

if TYPE_CHECKING:
    from playwright.async_api import Page


class Read(HTMLParser):
    """What a page has that can be linked to, what it links to, and what browsers load for it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if "id" in given:
            self.ids.add(given["id"])
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag in ("link", "script", "img", "iframe", "source", "object"):
            self.loaded += [given[name] for name in ("href", "src", "data") if name in given]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as `make site` builds it, which fails if Sphinx warns of anything."""
    folder = tmp_path_factory.mktemp("site")
    build.build(folder)
    return folder


@pytest.fixture(scope="module")
def gateway(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A gateway that serves the site."""
    archive = tmp_path_factory.mktemp("packed") / "guide.zip"
    build.pack(site, archive)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "Guide", partial(Guide, archive=archive))
        with serving() as served:
            yield served


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Read]:
    return {file: Read(file.read_text("utf-8")) for file in sorted(site.rglob("*.html"))}


def test_every_page_is_on_the_site_and_in_its_navigation(site: Path, pages: dict[Path, Read]) -> None:
    names = [str(Path(page).with_suffix(".html")) for page in build.places().values()]
    assert [name for name in names if not site.joinpath(name).exists()] == []
    assert len(names) > 40
    home = pages[site / "index.html"].links
    assert [name for name in names if name not in home and name != "index.html"] == []


def test_every_link_of_the_site_leads_somewhere(site: Path, pages: dict[Path, Read]) -> None:
    broken = [
        (str(file.relative_to(site)), link)
        for file, page in pages.items()
        for link in page.links
        if not _leads_somewhere(file, link, site, pages)
    ]
    assert broken == []


def _leads_somewhere(file: Path, link: str, site: Path, pages: dict[Path, Read]) -> bool:
    parts = urlsplit(link)
    if parts.scheme or link in (
        "/docs",
        "/console",
    ):  # elsewhere; or the gateway's own, shown where it serves
        return True
    target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
    if not target.is_relative_to(site.resolve()) or not target.exists():
        return False
    return not parts.fragment or unquote(parts.fragment) in pages[target].ids


def test_no_page_loads_anything_from_elsewhere(site: Path, pages: dict[Path, Read]) -> None:
    assert [it for page in pages.values() for it in page.loaded if "//" in it or it.startswith("/")] == []
    styles = "".join(file.read_text("utf-8") for file in site.rglob("*.css"))
    assert re.findall(r"@import|url\(\s*[\"']?(?!data:)[a-z]*:?//", styles) == []


def test_a_link_that_leads_nowhere_ends_the_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def copy_bad(source: Path) -> None:
        source.mkdir()
        (source / "_static").mkdir()
        (source / "index.md").write_text("# Home\n\n[gone](index.md#nowhere)\n", "utf-8")

    monkeypatch.setattr(build, "copy_pages", copy_bad)
    with pytest.raises(SystemExit):
        build.build(tmp_path)


def test_links_lead_to_where_pages_are_on_the_site() -> None:
    places = {
        "docs/README.md": "index.md",
        "docs/how-to/run.md": "how-to/run.md",
        "SECURITY.md": "security.md",
    }
    changed = partial(build.with_links_of_site, on_site=places)
    assert changed("[a](../../SECURITY.md#x) [b](../README.md)", "docs/how-to/run.md") == (
        "[a](../security.md#x) [b](../index.md)"
    )
    assert (
        changed("[a](docs/README.md) [b](docs/how-to/run.md)", "SECURITY.md")
        == "[a](index.md) [b](how-to/run.md)"
    )
    assert changed("[a](gone.md) [b](https://x.example/SECURITY.md)", "SECURITY.md") == (
        "[a](gone.md) [b](https://x.example/SECURITY.md)"
    )


def test_a_gateway_serves_the_site(gateway: Sandbox, site: Path) -> None:
    anyone = gateway.client(None)
    assert anyone.get("/docs/guide").headers["location"] == "/docs/guide/"
    home = anyone.get("/docs/guide/")
    assert home.body == (site / "index.html").read_bytes()
    assert home.headers["content-type"] == "text/html; charset=utf-8"
    assert "unsafe" not in home.headers["content-security-policy"]
    assert home.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")
    assert anyone.get("/docs/guide/_static/mark.svg").headers["content-type"] == "image/svg+xml"
    assert anyone.call("POST", "/docs/guide/").status == 405
    assert b"swagger" in anyone.get("/docs").body


@pytest.mark.parametrize(
    "path", ["nothing.html", "../index.html", "%2e%2e/guide.py", "tutorials/", "%00", "index.html/"]
)
def test_nothing_but_the_site_is_served(gateway: Sandbox, path: str) -> None:
    assert gateway.client(None).get(f"/docs/guide/{path}").status == 404


def test_other_paths_below_the_reference_have_no_page(gateway: Sandbox) -> None:
    assert gateway.client(None).get("/docs/guidebook").status == 404
    assert gateway.client(None).get("/docs/nothing").status == 404


def test_a_gateway_without_the_site_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "Guide", partial(Guide, archive=tmp_path / "guide.zip"))
    with serving() as served:
        reply = served.client(None).get("/docs/guide/")
    assert (reply.status, b"make site" in reply.body) == (404, True)


def test_the_same_pages_are_packed_the_same(site: Path, tmp_path: Path) -> None:
    for name in ("a.zip", "b.zip"):
        build.pack(site, tmp_path / name)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


@pytest.mark.anyio
async def test_a_browser_finds_and_reads_without_another_host(gateway: Sandbox, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda it: asked.append(it.url))
    base = f"http://127.0.0.1:{gateway.port}"
    await page.goto(f"{base}/docs/guide/")
    await page.keyboard.press("/")
    await page.keyboard.type("fence")
    await page.keyboard.press("Enter")
    await page.get_by_role("link", name="Glossary > Fence").click()
    await page.get_by_role("heading", name="Fence").wait_for()
    assert page.url.startswith(f"{base}/docs/guide/reference/glossary.html")
    await page.get_by_role("link", name="API", exact=True).click()
    assert page.url == f"{base}/docs"
    await page.goto(f"{base}/docs/guide/search.html?q=webhook")
    await page.get_by_text("Search finished").wait_for()
    found = await page.locator("ul.search > li > a").all_text_contents()
    assert found[:2] == ["Receive webhooks", "Webhooks"]
    assert [it for it in asked if not it.startswith((base + "/", "data:"))] == []


@pytest.mark.anyio
async def test_light_and_dark_are_those_of_the_console(gateway: Sandbox, page: Page) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    seen = {}
    await page.emulate_media(color_scheme="light")
    for path in ("/console/districts", "/docs/guide/"):
        await page.goto(f"http://127.0.0.1:{gateway.port}{path}")
        light = await page.evaluate(background)
        seen[path] = (light, await page.evaluate("document.documentElement.dataset.theme ?? ''"))
    assert len(set(seen.values())) == 1
    await page.get_by_role("button", name="Light or dark").click()
    dark = await page.evaluate(background)
    assert dark != light
    await page.goto(f"http://127.0.0.1:{gateway.port}/console/districts")
    assert await page.evaluate(background) == dark


@pytest.mark.anyio
@pytest.mark.parametrize("width", [1400, 380], ids=["wide", "narrow"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_on_the_site(
    scheme: Literal["light", "dark"], width: int, gateway: Sandbox, page: Page
) -> None:
    await page.emulate_media(color_scheme=scheme)
    await page.set_viewport_size({"width": width, "height": 800})
    found = {}
    for path in ("", "tutorials/your-first-grade.html", "reference/settings.html", "search.html?q=lease"):
        await page.goto(f"http://127.0.0.1:{gateway.port}/docs/guide/{path}")
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
        if problems := await violations(page):
            found[path] = problems
    assert found == {}
