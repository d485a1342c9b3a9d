from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from passback.operations import connections
from support.console import Visitor
from support.rosters import CLEVER, changed, zipped
from support.sandbox import DISTRICT as FULL
from support.sandbox import Reply, Sandbox

_BOUNDARY = "----roster"


@pytest.fixture
def district(sandbox: Sandbox) -> str:
    """A district without a roster."""
    gateway = sandbox.gateway
    return asyncio.run(connections.create_with_gradebook(gateway.database, "New Unified", gateway.clock))


def upload(visitor: Visitor, district: str, content: bytes, name: str = "roster.zip") -> Reply:
    path = f"/console/districts/{district}/roster"
    visitor.get(path)
    body = (
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n{visitor.csrf}\r\n'
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: application/zip\r\n\r\n"
    ).encode() + content
    return visitor.send(
        path, body + f"\r\n--{_BOUNDARY}--\r\n".encode(), f"multipart/form-data; boundary={_BOUNDARY}"
    )


def settled(visitor: Visitor, path: str) -> str:
    """The page of an upload once nothing is under way."""
    end = time.monotonic() + 30
    while 'role="status">It is being' in (page := visitor.get(path).body.decode()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return page


def test_a_roster_is_checked_shown_and_applied(
    visitor: Visitor, district: str, tmp_path: Path, sandbox: Sandbox
) -> None:
    reply = upload(visitor, district, zipped(tmp_path / "r.zip", CLEVER).read_bytes(), "fall <2026>.zip")
    assert reply.status == 303
    path = reply.headers["location"]
    page = settled(visitor, path)
    assert "What would change" in page
    assert "fall &lt;2026&gt;.zip" in page
    assert sandbox.write(lambda conn: conn.execute(_SECTIONS, {"id": district}).fetchone()[0]) == 0
    assert visitor.post(path + "/apply").status == 303
    assert "It is the district's roster now" in settled(visitor, path)
    assert sandbox.write(lambda conn: conn.execute(_SECTIONS, {"id": district}).fetchone()[0]) == 1
    assert "roster.applied" in visitor.get("/console/audit").body.decode()
    assert visitor.post(path + "/apply").status == 409  # it has been applied
    kept = sandbox.write(lambda conn: conn.execute("SELECT path FROM roster_uploads").fetchall())
    assert not any(Path(row[0]).exists() for row in kept)


_SECTIONS = "SELECT COUNT(*) FROM sections WHERE district_id = :id"


def test_each_row_that_is_left_out_is_shown_with_its_place(
    visitor: Visitor, district: str, tmp_path: Path
) -> None:
    bad = changed(CLEVER, "students.csv", 2, "Last_name", "")
    reply = upload(visitor, district, zipped(tmp_path / "r.zip", bad).read_bytes())
    page = settled(visitor, reply.headers["location"])
    assert "students.csv, line 2, Last_name" in page
    assert "left out" in page


@pytest.mark.parametrize("content", [b"PK nothing", b"\0" * 1000])
def test_a_file_that_is_none_fails_in_plain_words(content: bytes, visitor: Visitor, district: str) -> None:
    reply = upload(visitor, district, content)
    page = settled(visitor, reply.headers["location"])
    assert "<p>It is not a readable zip archive: export it again.</p>" in page
    assert "failed" in page
    assert visitor.post(reply.headers["location"] + "/apply").status == 409


def test_no_file_is_said(visitor: Visitor, district: str) -> None:
    reply = upload(visitor, district, b"", "")
    assert reply.status == 409
    assert "Choose a file" in reply.body.decode()


def test_too_many_removals_wait_unless_they_are_allowed(visitor: Visitor, tmp_path: Path) -> None:
    content = zipped(tmp_path / "r.zip", CLEVER).read_bytes()
    path = upload(visitor, FULL, content).headers["location"]
    assert "Removals would wait" in settled(visitor, path)
    visitor.post(path + "/apply")
    assert "Removals wait" in settled(visitor, path)
    assert "Removals wait for a person" in visitor.get(f"/console/districts/{FULL}/roster").body.decode()
    again = upload(visitor, FULL, content).headers["location"]
    settled(visitor, again)
    visitor.post(again + "/apply", {"removals": "yes"})
    settled(visitor, again)
    assert "Removals wait" not in visitor.get(f"/console/districts/{FULL}/roster").body.decode()


def test_an_upload_whose_process_died_has_failed(
    visitor: Visitor, district: str, tmp_path: Path, sandbox: Sandbox
) -> None:
    path = upload(visitor, district, zipped(tmp_path / "r.zip", CLEVER).read_bytes()).headers["location"]
    settled(visitor, path)
    sandbox.write(
        lambda conn: (
            conn.execute(
                "UPDATE roster_uploads SET state = 'applying', beat = beat - 300000 WHERE id = :id",
                {"id": path.rpartition("/")[2]},
            ).rowcount
        )
    )
    assert "stopped before it was done" in visitor.get(path).body.decode()


def test_an_upload_of_another_district_is_not_there(visitor: Visitor, district: str, tmp_path: Path) -> None:
    path = upload(visitor, district, zipped(tmp_path / "r.zip", CLEVER).read_bytes()).headers["location"]
    elsewhere = path.replace(district, "4fee004cca2e43cf28000000")
    assert visitor.get(elsewhere).status == 404
    assert visitor.post(elsewhere + "/apply").status == 404
