"""The times of scores, claimed by several processes at once."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from passback.domain.clock import SECOND, Timer
from passback.lms.lti.times import Claim, claim, keep
from passback.sandbox.seed import seed
from passback.store.engine import migrate
from passback.store.engine.open import connect
from passback.store.notes import StoredNotes
from passback.testing.lms import MemoryNotes
from support.postgres import database_of
from support.sandbox import DISTRICT, NOW

KEY = "grade/items/7/5"
PROCESSES, CLAIMS = 3, 40


async def no_sleep(_seconds: float) -> None:
    await asyncio.sleep(0)


TIMER = Timer(lambda: 0.0, no_sleep)


def claim_times(url: str, file: Path | None, name: str) -> list[int]:
    """What a process claims, with a clock that stands, once all are there."""

    async def run() -> list[int]:
        notes, found = StoredNotes(database, DISTRICT), []
        await notes.write({f"there/{name}": {}})
        while len(await notes.find("there/")) < PROCESSES:  # noqa: ASYNC110
            await asyncio.sleep(0.01)  # of another process there is no event
        for number in range(CLAIMS):
            claimed = await claim(notes, lambda: NOW, TIMER, {KEY: Claim({"score": number}, 0)})
            found.append(claimed[KEY]["at"])
            await keep(notes, {KEY: {**claimed[KEY], "done": number}})
        return found

    with contextlib.closing(connect(url, file)) as database:
        return asyncio.run(run())


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_no_two_processes_claim_one_second(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "passback.db" if kind == "sqlite" else None
    with database_of(kind, "sandbox") as url:
        with contextlib.closing(connect(url, file)) as database:
            migrate.prepare(database, "sandbox")
            database.write_now(lambda conn: seed(conn, NOW))
        spawned = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(PROCESSES, mp_context=spawned) as pool:
            of_each = list(
                pool.map(claim_times, [url] * PROCESSES, [file] * PROCESSES, map(str, range(PROCESSES)))
            )
    assert all(times == sorted(times) for times in of_each)
    seconds = [time // SECOND for times in of_each for time in times]
    assert len({*seconds}) == len(seconds) == PROCESSES * CLAIMS


def test_what_another_process_has_claimed_stays_when_the_first_is_done() -> None:
    async def run() -> None:
        first = (await claim(notes, lambda: NOW, TIMER, {KEY: Claim({"score": 1}, 0)}))[KEY]
        second = (await claim(notes, lambda: NOW, TIMER, {KEY: Claim({"score": 2}, 0)}))[KEY]
        await keep(notes, {KEY: {"at": first["at"], "done": 1}})
        assert notes.kept[KEY] == {"at": second["at"], "trying": {"score": 2}, "done": 1}

    notes = MemoryNotes()
    asyncio.run(run())


def test_a_claim_waits_for_its_second_and_not_for_a_clock_that_was_set_back() -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async def claim_after(kept: int) -> int:
        notes.kept[KEY] = {"at": kept}
        claimed = await claim(notes, lambda: NOW, Timer(lambda: 0.0, sleep), {KEY: Claim({}, 0)})
        return int(claimed[KEY]["at"]) - NOW

    notes = MemoryNotes()
    assert [asyncio.run(claim_after(NOW + it * SECOND)) for it in (-5, -1, 0, 3600)] == [
        0,
        0,
        1000,
        3_601_000,
    ]
    assert waits == [1.0]
