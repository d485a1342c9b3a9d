"""A sandbox in a process of its own, and what a test does with it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlencode

import httpx2

from passback_simulators.identities import ALGEBRA, DISTRICTS, OF_KIND, SANDBOX_UNIFIED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType

    from passback_simulators.identities import SandboxDistrict

_STARTS_WITHIN = 30.0
"""Seconds."""


@dataclass(frozen=True)
class District:
    """A district of the sandbox: its token, and the ids of Algebra 1."""

    name: str
    lms: str
    """Such as ``canvas``; ``builtin`` for the built-in gradebook."""
    token: str
    id: str
    section: str
    teacher: str
    students: tuple[str, ...]
    simulator: str = ""
    """The address of the simulated LMS; empty for the built-in gradebook."""


@dataclass(frozen=True)
class Call:
    """A request that the application sent, as the journal has it."""

    method: str
    path: str
    status: int
    content: Any
    """What was sent, as JSON; None if it was nothing, or no JSON."""
    answer: Any
    warnings: tuple[str, ...]
    lms_calls: tuple[Mapping[str, Any], ...]
    """What the simulated LMS was asked because of it."""
    whole: Mapping[str, Any] = field(repr=False)
    """All that the journal has."""


class Failed(Exception):
    """The sandbox does not start, or refuses what a test asks of it."""


class Sandbox:
    """A running sandbox."""

    def __init__(self, url: str, simulators: Mapping[str, str], process: subprocess.Popen[str]) -> None:
        """`simulators` are the addresses of the simulated LMSs, by the name of their district."""
        self.url = url
        """Without a path; the API is at ``/v3.1``."""
        self.districts = {kind: _district(it, simulators.get(it.name, "")) for kind, it in OF_KIND.items()}
        """By the kind of their LMS: ``builtin``, ``canvas``, ``schoology``, ``google``, ``lti``, ``moodle``."""
        self._process = process
        self._http = httpx2.Client(base_url=url, timeout=30, trust_env=False)

    @classmethod
    def start(cls, **settings: str) -> Self:
        """Start one on a free port, which keeps nothing. Raises `Failed`.

        It has the defaults and these `settings`, such as ``rate_limit="5"``: those of the environment do not count.
        """
        environment = {name: it for name, it in os.environ.items() if not name.startswith("PASSBACK_")}
        environment |= {f"PASSBACK_{name.upper()}": it for name, it in settings.items()}
        with tempfile.TemporaryFile("w+", encoding="utf-8") as log:
            process = subprocess.Popen(
                # Without -P, a calendar.py of the folder that the tests run in would stand in for Python's.
                [
                    sys.executable,
                    "-P",
                    "-m",
                    "passback_sandbox.process",
                    "sandbox",
                    "--port",
                    "0",
                    "--data",
                    ":memory:",
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=environment,
            )
            addresses = _printed(process)
            if addresses is None:
                process.kill()
                process.communicate()
                log.seek(0)
                raise Failed(f"the sandbox does not start: {log.read()[-2000:].strip()}")
        made = cls(addresses.pop(""), addresses, process)
        try:
            made._await_ready()
        except BaseException:  # whatever a test's other tools raise, such as pytest-socket
            made.close()
            raise
        return made

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End it."""
        self._http.close()
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    @property
    def token(self) -> str:
        """The token of the district with the built-in gradebook."""
        return SANDBOX_UNIFIED.token

    @property
    def section(self) -> str:
        """The id of Algebra 1 there."""
        return self.districts["builtin"].section

    @property
    def students(self) -> tuple[str, ...]:
        """The ids of its 30 students."""
        return self.districts["builtin"].students

    def reset(self) -> None:
        """Bring everything back to the start, the clock and the simulated LMSs' faults included."""
        self._call("DELETE", "/sandbox/clock")
        self._call("POST", "/sandbox/reset")
        self._call("DELETE", "/sandbox/requests")
        for district in self.districts.values():
            if district.simulator:
                self._call("DELETE", f"{district.simulator}/_simulator/faults")

    # Time.

    @property
    def now(self) -> datetime:
        """The sandbox's time."""
        return datetime.fromisoformat(self._call("GET", "/sandbox/clock")["now"])

    def advance(self, by: timedelta) -> None:
        """Move the clock on."""
        self.move_to(self.now + by)

    def move_to(self, when: datetime) -> None:
        """Move the clock to an aware time."""
        text = when.astimezone(UTC).isoformat().replace("+00:00", "Z")
        self._call("PUT", "/sandbox/clock", {"now": text})

    # What the application asked.

    def calls(self, **only: Any) -> list[Call]:
        """The requests so far, the oldest first; `only` those: by ``method``, ``status``, ``token``, ``path`` ..."""
        query = urlencode({"limit": 500, **only})
        found = self._call("GET", f"/sandbox/requests?{query}")
        return [_as_call(it) for it in reversed(found)]

    # Faults.

    @contextlib.contextmanager
    def failing(
        self, lms: str, fault: str, *, times: int | None = None, method: str = "", path: str = ""
    ) -> Iterator[None]:
        """Let a simulated LMS fail inside the ``with``: with every request, or so many `times`.

        `fault` is one of the simulators' faults, such as ``throttled``, ``error-after`` or ``slow=500ms``; `method` and
        `path` (a regular expression of the LMS's own paths) narrow it down. In the built-in gradebook nothing fails but
        by the header ``Sandbox-Fault``.
        """
        address = self.districts[lms].simulator
        if not address:
            raise Failed(f"{lms} has no simulator: send the header Sandbox-Fault instead")
        rule = {"fault": fault, "times": times, "method": method, "path": path}
        self._call(
            "POST", f"{address}/_simulator/faults", {name: it for name, it in rule.items() if it != ""}
        )
        try:
            yield
        finally:
            self._call("DELETE", f"{address}/_simulator/faults")

    # What people do in the LMS.

    def gradebook(self, section: str) -> Mapping[str, Any]:
        """A section's gradebook as the teacher sees it: ``students``, ``assignments`` and ``grades``."""
        found: Mapping[str, Any] = self._call("GET", f"/sandbox/teacher/sections/{section}")
        return found

    def points(self, section: str, assignment: str) -> dict[str, float]:
        """The points that the LMS has for an assignment, by student; those without are left out."""
        grades = self.gradebook(section)["grades"]
        own = [it for it in grades if it["assignment_id"] == assignment and it["points"] is not None]
        return {it["user_id"]: it["points"] for it in own}

    def grade_as_teacher(self, section: str, assignment: str, student: str, **fields: Any) -> None:
        """Let the teacher grade in the LMS: ``grade_points`` (None clears it), ``grade_comment``."""
        self._call("PATCH", _submission(section, assignment, student), fields)

    def edit_as_teacher(self, section: str, assignment: str, **fields: Any) -> None:
        """Let the teacher change an assignment: ``title``, ``points_possible``, ``due_date``."""
        self._call("PATCH", f"/sandbox/teacher/sections/{section}/assignments/{assignment}", fields)

    def delete_as_teacher(self, section: str, assignment: str) -> None:
        """Let the teacher delete an assignment."""
        self._call("DELETE", f"/sandbox/teacher/sections/{section}/assignments/{assignment}")

    def hand_in(self, section: str, assignment: str, student: str, text: str) -> None:
        """Let a student hand in a text in the LMS."""
        self._call("POST", _submission(section, assignment, student), {"text": text})

    def unenroll(self, section: str, student: str) -> None:
        """Let the registrar take a student out of a section."""
        self._call("DELETE", f"/sandbox/registrar/sections/{section}/members/{student}")

    def enroll(self, section: str, student: str) -> None:
        """Let the registrar put a student of the district into a section."""
        self._call("PUT", f"/sandbox/registrar/sections/{section}/members/{student}", {})

    def _call(self, method: str, address: str, content: Any = None) -> Any:
        answer = self._http.request(method, address, content=None if content is None else json.dumps(content))
        if answer.status_code >= 400:
            raise Failed(f"{method} {address}: {answer.status_code} {answer.text[:500]}")
        found = answer.json() if answer.content.strip() else None
        return found["data"] if isinstance(found, dict) and "data" in found else found

    def _await_ready(self) -> None:
        give_up = time.monotonic() + _STARTS_WITHIN
        while True:
            with contextlib.suppress(httpx2.TransportError):
                if self._http.get("/health/ready").status_code == 200:
                    return
            if time.monotonic() > give_up or self._process.poll() is not None:
                raise Failed("the sandbox does not get ready")
            time.sleep(0.02)


def _printed(process: subprocess.Popen[str]) -> dict[str, str] | None:
    """The addresses that a sandbox prints: its own as ``""``, and the simulators by district; None if it ends."""
    assert process.stdout is not None
    addresses: dict[str, str] = {}
    names = {it.name for it in DISTRICTS}
    while names and (line := process.stdout.readline()):
        found = re.search(r"https?://[^/\s]+", line)
        if found is not None:
            addresses.setdefault("", found[0])
            addresses |= {name: found[0] for name in names if name in line}
        names = {name for name in names if name not in line}
    return None if names else addresses


def _submission(section: str, assignment: str, student: str) -> str:
    return f"/sandbox/teacher/sections/{section}/assignments/{assignment}/submissions/{student}"


def _district(of: SandboxDistrict, simulator: str) -> District:
    return District(
        name=of.name,
        lms=of.lms_type,
        token=of.token,
        id=of.district_id,
        section=of.id(ALGEBRA.digits),
        teacher=of.id(ALGEBRA.teacher),
        students=tuple(of.id(it) for it in ALGEBRA.students),
        simulator=simulator,
    )


def _as_call(entry: Mapping[str, Any]) -> Call:
    request, answer = entry["request"], entry["answer"]
    return Call(
        method=request["method"],
        path=request["path"],
        status=answer["status"],
        content=_json(request["body"]),
        answer=_json(answer["body"]),
        warnings=tuple(entry.get("warnings") or ()),
        lms_calls=tuple(entry.get("lms_calls") or ()),
        whole=entry,
    )


def _json(text: str | None) -> Any:
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return None
