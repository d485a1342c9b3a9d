"""Clients that never give up: each asks for a change until it is told 200 or 202, and remembers the promise."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from torture.world import Caller, Gone, Process, Reply, World

T = TypeVar("T")

PATIENCE_SECONDS = 600.0
"""Longer than all kills take: a create in doubt is looked for during 3.5 seconds, and kills may be closer together."""
ESSAY = {"description": "x", "due_date": "2099-06-01T23:59:00Z", "points_possible": 100_000}


@dataclass
class Promised:
    """What Canvas must hold in the end."""

    titles: set[str] = field(default_factory=set)
    points: dict[tuple[str, str], int] = field(default_factory=dict)
    """By title and student."""
    comments: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    calls: int = 0
    retries: int = 0

    def wrong(self, canvas: Mapping[str, Mapping[str, Any]], *, replaces: bool = False) -> list[str]:
        """What is not as it was promised; `replaces` says whether a comment replaces the one before."""
        found = [f"{title} is lost" for title in self.titles - canvas.keys()]
        found += [f"{title} was not asked for" for title in canvas.keys() - self.titles]
        for title in self.titles & canvas.keys():
            for student, submission in canvas[title].items():
                key = title, student
                has, wanted = submission.get("entered_score"), self.points.get(key)
                if has != wanted:
                    found.append(f"{title}, {student}: {has} in place of {wanted}")
                comments = [comment["comment"] for comment in submission.get("submission_comments") or ()]
                promised = self.comments.get(key, [])[-1 if replaces else 0 :]
                if sorted(comments) != sorted(promised):
                    found.append(f"{title}, {student}: comments {comments}, not {promised}")
        return found


class Client:
    """One client, with assignments of its own, so that it knows the order of its changes."""

    def __init__(self, world: World, name: str, promised: Promised, seed: int) -> None:
        self._world = world
        self._call = Caller(world)
        self._name = name
        self._promised = promised
        self._lms = world.lms
        self._random = random.Random(seed)
        self._number = 0
        self._assignments: dict[str, str] = {}
        """The path of each assignment, by its title."""

    def step(self) -> None:
        """Ask for something."""
        if not self._assignments or self._random.random() < 0.08:
            self.create(background=self._random.random() < 0.4)
        elif self._random.random() < 0.2:
            self.grade_many(background=self._random.random() < 0.5)
        else:
            self.grade(background=self._random.random() < 0.5)

    def create(self, *, background: bool) -> None:
        """Create an assignment. In the background its id is known at once, and it is graded before it is made."""
        title = f"{self._name} {self._next()}"
        headers = {"Idempotency-Key": f"key of {title}"} | ({"Prefer": "respond-async"} if background else {})
        content = {**ESSAY, "title": title, "points_possible": self._lms.points}
        reply = self._until_done("POST", self._lms.assignments, content, headers)
        with _LOCK:
            self._promised.titles.add(title)
        if reply.status == 200:
            self._assignments[title] = f"{self._lms.assignments}/{reply.data['id']}"
            return
        path = self._assignments[title] = f"{self._lms.assignments}/{reply.data['assignment_id']}"
        for _ in range(self._random.randint(0, 3)):
            self.grade(background=self._random.random() < 0.5, title=title)
        seen = self._ask("GET", path)
        assert seen is None or seen.status == 200 or seen.status >= 500, seen

    def grade(self, *, background: bool, title: str | None = None) -> None:
        """Grade a student, on the assignment of that title or on any."""
        title = title or self._random.choice(list(self._assignments))
        student = self._random.choice(self._lms.students)
        content: dict[str, Any] = {"grade_points": self._points()}
        if self._random.random() < 0.3:
            content["grade_comment"] = f"comment {self._name} {self._next()}"
        path = f"{self._assignments[title]}/submissions/{student}"
        self._until_done("PATCH", path, content, {"Prefer": "respond-async"} if background else {})
        self._promise(title, student, content)

    def grade_many(self, *, background: bool) -> None:
        """Grade several students in one call."""
        title = self._random.choice(list(self._assignments))
        students = self._random.sample(self._lms.students, 8)
        items: list[dict[str, Any]] = [
            {"user_id": student, "grade_points": self._points()} for student in students
        ]
        path = f"{self._assignments[title]}/submissions"
        while items:
            reply = self._until_done(
                "PATCH", path, {"submissions": items}, {"Prefer": "respond-async"} if background else {}
            )
            outcomes = [202] * len(items) if reply.status == 202 else [one["status"] for one in reply.data]
            for item, status in zip(items, outcomes, strict=True):
                assert status in (200, 202) or status >= 500, reply.body
                if status < 300:
                    self._promise(title, item["user_id"], item)
            items = [item for item, status in zip(items, outcomes, strict=True) if status >= 500]

    def _promise(self, title: str, student: str, content: Mapping[str, Any]) -> None:
        with _LOCK:
            self._promised.points[title, student] = content["grade_points"]
            if "grade_comment" in content:
                self._promised.comments.setdefault((title, student), []).append(content["grade_comment"])

    def _until_done(self, method: str, path: str, content: Any, headers: Mapping[str, str]) -> Reply:
        """Ask until the answer is 200 or 202."""

        def ask() -> Reply | None:
            reply = self._ask(method, path, content, headers)
            if reply is None or reply.status >= 500 or reply.status == 409:
                return None
            assert reply.status in (200, 202), (method, path, content, reply)
            return reply

        return self._until(ask)

    def _until(self, ask: Callable[[], T | None]) -> T:
        give_up = time.monotonic() + PATIENCE_SECONDS
        wait = 0.02
        while (found := ask()) is None:
            if time.monotonic() > give_up:
                raise RuntimeError(f"{self._name} has waited for too long")
            with _LOCK:
                self._promised.retries += 1
            time.sleep(wait * self._random.uniform(0.5, 1))
            wait = min(wait * 2, 1.0)
        return found

    def _ask(
        self, method: str, path: str, content: Any = None, headers: Mapping[str, str] | None = None
    ) -> Reply | None:
        servers: Sequence[Process] = self._world.servers
        with _LOCK:
            self._promised.calls += 1
        try:
            return self._call(self._random.choice(servers), method, path, content, headers)
        except Gone:
            return None

    def _points(self) -> int:
        return self._next() % (self._lms.points + 1)

    def _next(self) -> int:
        self._number += 1
        return self._number


_LOCK = threading.Lock()
