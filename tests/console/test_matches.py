from __future__ import annotations

import pytest

from passback.console import matches
from passback.store.engine.database import Connection
from support.console import Visitor
from support.sandbox import Sandbox

DISTRICT = "4fee004cca2e43cfca000000"
ONE, OTHER, ALONE = (f"4fee004cca2e43cfca00{number}" for number in (1001, 1002, 1003))
ALL = f"/console/districts/{DISTRICT}/matches"


@pytest.fixture(autouse=True)
def undecided(sandbox: Sandbox) -> None:
    """Have two students each be maybe two people of Canvas's, and a third nobody there."""

    def write(conn: Connection) -> None:
        for id_ in (ONE, OTHER, ALONE):
            conn.execute("UPDATE users SET lms_id = NULL, matched_by = NULL WHERE id = :id", {"id": id_})
        for id_ in (ONE, OTHER):
            for lms_id, name in (("9977", "Ada <Abbott>"), ("9978", "Ada B. Abbott")):
                conn.execute(
                    "INSERT INTO match_candidates (district_id, id, lms_id, name, reason)"
                    " VALUES (:district, :id, :lms, :name, 'two have this name')",
                    {"district": DISTRICT, "id": id_, "lms": lms_id, "name": name},
                )

    sandbox.write(write)


def test_what_waits_and_who_is_nobody_there_are_listed(visitor: Visitor) -> None:
    page = visitor.get(ALL).body.decode()
    queue, _, unmatched = page.partition("Not matched, and no candidate")
    assert ONE in queue
    assert OTHER in queue
    assert ALONE in unmatched


def test_candidates_stand_side_by_side_with_the_signs(visitor: Visitor) -> None:
    page = visitor.get(f"{ALL}/{ONE}").body.decode()
    for word in ("Ada &lt;Abbott&gt;", "Ada B. Abbott", "two have this name", 'class="differs"'):
        assert word in page


def test_a_decision_leads_to_the_next_and_can_be_undone(visitor: Visitor) -> None:
    visitor.get(f"{ALL}/{ONE}")
    reply = visitor.post(f"{ALL}/{ONE}", {"candidate": "9977"})
    assert reply.status == 303
    onward = reply.headers["location"]
    assert onward.startswith(f"{ALL}/{OTHER}")
    page = visitor.get(onward).body.decode()
    assert "is matched to 9977" in page
    assert "Ada B. Abbott" in page
    assert "9977</small>" not in page  # it is somebody by now
    assert visitor.post(f"{ALL}/{ONE}/clear").status == 303
    assert "Not matched, and no candidate" in visitor.get(f"{ALL}/{ONE}").body.decode()
    audit = visitor.get("/console/audit").body.decode()
    assert audit.index("match.cleared") < audit.index("match.made")


def test_what_was_decided_meanwhile_stays(visitor: Visitor) -> None:
    visitor.get(f"{ALL}/{ONE}")
    visitor.post(f"{ALL}/{ONE}", {"candidate": "9977"})
    reply = visitor.post(f"{ALL}/{ONE}", {"candidate": "9978"})
    assert reply.status == 409
    assert "decided meanwhile" in reply.body.decode()
    assert "Matched to <strong>9977</strong>" in visitor.get(f"{ALL}/{ONE}").body.decode()


@pytest.mark.parametrize("typed", ["", "no such id", "../1", "1?2"])
def test_an_id_that_the_lms_cannot_have_is_refused(typed: str, visitor: Visitor) -> None:
    visitor.get(f"{ALL}/{ALONE}")
    assert visitor.post(f"{ALL}/{ALONE}", {"lms_id": typed}).status == 409


def test_somebody_is_matched_by_the_lmss_id(sandbox: Sandbox, visitor: Visitor) -> None:
    lms_id = sandbox.write(_id_that_was_free)
    visitor.get(f"{ALL}/{ALONE}")
    assert (
        visitor.post(f"{ALL}/{ALONE}", {"lms_id": "987654321"}).status == 409
    )  # Canvas has nobody of this id
    assert visitor.post(f"{ALL}/{ALONE}", {"lms_id": lms_id}).status == 303
    assert "by hand" in visitor.get(f"{ALL}/{ALONE}").body.decode()


def _id_that_was_free(conn: Connection) -> str:
    """Free the account in Canvas that another student is matched to."""
    row = conn.execute(
        "SELECT id, lms_id FROM users WHERE district_id = :district AND role = 'student' AND lms_id IS NOT NULL"
        " AND id < '4fee004cca2e43cfca001031' ORDER BY id LIMIT 1",
        {"district": DISTRICT},
    ).fetchone()
    conn.execute("UPDATE users SET lms_id = NULL WHERE id = :id", {"id": row[0]})
    return str(row[1])


def test_nothing_of_another_district_is_decided_here(visitor: Visitor) -> None:
    elsewhere = f"/console/districts/4fee004cca2e43cf28000000/matches/{ONE}"
    assert visitor.get(elsewhere).status == 404
    assert visitor.post(elsewhere, {"candidate": "9977"}).status == 404


def test_a_long_queue_goes_on(sandbox: Sandbox, visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [f"4fee004cca2e43cfca00{number}" for number in range(1001, 1041)]

    def write(conn: Connection) -> None:
        for id_ in people:
            conn.execute("UPDATE users SET lms_id = NULL WHERE id = :id", {"id": id_})
            conn.execute(
                "INSERT INTO match_candidates (district_id, id, lms_id, name) VALUES (:district, :id, '1', 'x')"
                " ON CONFLICT DO NOTHING",
                {"district": DISTRICT, "id": id_},
            )

    sandbox.write(write)
    seen: list[str] = []
    onward: str | None = ALL
    monkeypatch.setattr(matches, "_A_PAGE", 15)
    while onward:
        page = visitor.get(onward).body.decode()
        seen += [
            it for it in people if f"/matches/{it}" in page.partition("Not matched, and no candidate")[0]
        ]
        found = page.partition(f'href="{ALL}?after=')[2]
        onward = f"{ALL}?after={found.partition(chr(34))[0]}" if found else None
    assert seen == people
