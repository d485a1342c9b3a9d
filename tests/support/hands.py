"""Two ways in which somebody uses a page: with the mouse, and with the keyboard alone."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

_FARTHEST = 200
"""How many times Tab is pressed before something counts as out of reach."""


class Hand(Protocol):
    """What both can do."""

    async def press(self, wanted: Locator) -> None:
        """Follow a link, push a button, or tick a box."""

    async def fill(self, wanted: Locator, text: str) -> None:
        """Replace what a field holds; a date and time is ``2031-06-01T23:59``."""

    async def choose(self, wanted: Locator, option: str) -> None:
        """Choose what begins like that."""

    async def upload(self, wanted: Locator, file: Path) -> None:
        """Give a file."""


async def _is_of_time(field: Locator) -> bool:
    return bool(await field.evaluate("it => it.type === 'datetime-local'"))


def _keys(moment: str) -> str:
    """What somebody in the United States, as the browser is set, types into the parts of a date and time."""
    return datetime.fromisoformat(moment).strftime("%m%d%Y%I%M%p")


class Mouse:
    """The mouse; only text is typed."""

    def __init__(self, page: Page) -> None:
        self._page = page

    async def press(self, wanted: Locator) -> None:
        """See `Hand`."""
        await wanted.click()

    async def fill(self, wanted: Locator, text: str) -> None:
        """See `Hand`."""
        if await _is_of_time(wanted):
            await wanted.click(position={"x": 15, "y": 15})  # where its month is
            await self._page.keyboard.type(_keys(text))
            return
        await wanted.click(click_count=3)
        await self._page.keyboard.press("Delete")
        await self._page.keyboard.type(text)

    async def choose(self, wanted: Locator, option: str) -> None:
        """See `Hand`."""
        labels = await wanted.locator("option").all_inner_texts()
        await wanted.select_option(label=next(it for it in labels if it.startswith(option)))

    async def upload(self, wanted: Locator, file: Path) -> None:
        """See `Hand`."""
        async with self._page.expect_file_chooser() as chooser:
            await wanted.click()
        await (await chooser.value).set_files(file)


class Keyboard:
    """The keyboard alone, as somebody who cannot see where the focus could jump: Tab by Tab."""

    def __init__(self, page: Page) -> None:
        self._page = page

    async def press(self, wanted: Locator) -> None:
        """See `Hand`."""
        await self._reach(wanted)
        is_box = await wanted.evaluate("it => it.type === 'checkbox'")
        await self._page.keyboard.press("Space" if is_box else "Enter")

    async def fill(self, wanted: Locator, text: str) -> None:
        """See `Hand`."""
        await self._reach(wanted)
        if await _is_of_time(wanted):
            await self._page.keyboard.type(_keys(text))
            return
        await self._page.keyboard.press("Control+a")
        await self._page.keyboard.press("Delete")
        await self._page.keyboard.type(text)

    async def choose(self, wanted: Locator, option: str) -> None:
        """See `Hand`."""
        await self._reach(wanted)
        await self._page.keyboard.type(option)

    async def upload(self, wanted: Locator, file: Path) -> None:
        """See `Hand`."""
        await self._reach(wanted)
        async with self._page.expect_file_chooser() as chooser:
            await self._page.keyboard.press("Space")
        await (await chooser.value).set_files(file)

    async def _reach(self, wanted: Locator) -> None:
        await wanted.wait_for()
        for _ in range(_FARTHEST):
            if await wanted.evaluate("it => it === document.activeElement"):
                return
            await self._page.keyboard.press("Tab")
        raise AssertionError(f"the keyboard does not reach {wanted}")
