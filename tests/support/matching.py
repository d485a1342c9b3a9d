"""Districts whose people and sections are matched to those of an LMS, given as they were read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from passback.domain.matching import LmsCourse, Person, SectionRef
from passback.domain.roster import District
from passback.rosters.match import match_roster
from passback.store import enrollments, lms_roster, match_candidates, matching, roster, webhooks
from passback.store.engine.database import Connection, Opened
from support.sandbox import NOW

DISTRICT = "d" * 24


@dataclass
class Child:
    """A person of the roster: only what is given is known."""

    id: str
    name: str
    sections: Sequence[str] = ("k1",)
    role: str = "student"
    known: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Account:
    """A person of the LMS."""

    id: str
    name: str
    email: str | None = None
    sis_id: str | None = None
    sections: Sequence[str] = ("k1",)
    role: Any = "student"


class Matcher:
    """A district in a database, and what is read of its LMS."""

    def __init__(self, database: Opened) -> None:
        self.database = database
        made = District(DISTRICT, "D", "canvas", "success", None, 0, 0, {})
        database.write_now(lambda conn: roster.insert(conn, roster.DISTRICTS, [made]))

    def have(
        self, people: Iterable[Child], sections: Mapping[str, str] | None = None, *, keep: bool = False
    ) -> None:
        """Replace the roster. Sections have their id as SIS id, unless `sections` gives their names.

        `keep` the matches of those who stay.
        """
        before = self.matched() if keep else {}
        people = list(people)
        ids = {section for it in people for section in it.sections}

        def write(conn: Connection) -> None:
            conn.execute("DELETE FROM enrollments")
            conn.execute("DELETE FROM match_candidates")
            for table in ("users", "sections"):
                conn.execute(f"DELETE FROM {table}")
            for id_ in sorted(ids):
                name, sis_id = (sections[id_], None) if sections else (id_, id_)
                conn.execute(
                    "INSERT INTO sections (id, district_id, name, sis_id, created, last_modified)"
                    " VALUES (:id, :district, :name, :sis_id, 0, 0)",
                    {"id": id_, "district": DISTRICT, "name": name, "sis_id": sis_id},
                )
            for it in people:
                first, _, last = it.name.rpartition(" ")
                row = {
                    "id": it.id, "district_id": DISTRICT, "role": it.role, "first_name": first, "last_name": last,
                    "created": 0, "last_modified": 0, **it.known,
                }  # fmt: skip
                names = ", ".join(row)
                conn.execute(
                    f"INSERT INTO users ({names}) VALUES ({', '.join(':' + name for name in row)})", row
                )
                for section in it.sections:
                    enrollments.enroll(conn, section, it.role, [it.id])  # type: ignore[arg-type]
            for id_, (lms_id, by) in before.items():
                for table in ("users", "sections"):
                    conn.execute(
                        f"UPDATE {table} SET lms_id = :lms_id, matched_by = :by WHERE id = :id",
                        {"id": id_, "lms_id": lms_id, "by": by},
                    )

        self.database.write_now(write)

    def read(self, accounts: Iterable[Account], sections: Mapping[str, str] | None = None) -> None:
        """Replace what was read of the LMS. Sections have their id as SIS id, unless `sections` gives their names."""
        accounts = list(accounts)
        ids = sorted({section for it in accounts for section in it.sections})

        def write(conn: Connection) -> None:
            while lms_roster.clear(conn, DISTRICT, 1000):
                pass
            course = LmsCourse("c", "C")
            lms_roster.add_courses(conn, DISTRICT, [course])
            found = [SectionRef(it, sections[it] if sections else it, None if sections else it) for it in ids]
            lms_roster.add_sections(conn, DISTRICT, course, found)
            for section in ids:
                people = [
                    Person(it.id, it.role, it.name, it.email, it.sis_id)
                    for it in accounts
                    if section in it.sections
                ]
                lms_roster.add_members(conn, DISTRICT, section, people)

        self.database.write_now(write)

    def match(self, *, allow_losses: bool = False) -> dict[str, tuple[str | None, str | None]]:
        """Match, and return what everybody is matched to, and how."""
        with self.database.session() as session:
            match_roster(
                session, DISTRICT, lambda: NOW, lambda _: None, lambda *_: None, allow_losses=allow_losses
            )
        return self.matched()

    def matched(self) -> dict[str, tuple[str | None, str | None]]:
        found = self.database.read_now(lambda conn: matching.all_of(conn, DISTRICT))
        return {it.id: (it.lms_id, it.matched_by) for it in found}

    def reasons(self) -> dict[str, dict[str, str | None]]:
        found = self.database.read_now(lambda conn: match_candidates.find_all(conn, DISTRICT))
        return {id_: {it.id: it.reason for it in them} for id_, them in found.items()}

    def subscribe(self, event: str) -> None:
        """Register a webhook for an event."""

        def write(conn: Connection) -> None:
            conn.execute(
                "INSERT INTO tokens (id, district_id, application, hash, created) VALUES ('t', :id, 'app', 'h', 0)",
                {"id": DISTRICT},
            )
            webhooks.insert(
                conn,
                webhooks.Webhook(
                    id="w", district_id=DISTRICT, application="app", url="https://x.example", events=(event,),
                    secret="", secret_before=None, secret_before_until=None, disabled=None, created=0, last_modified=0,
                ),
            )  # fmt: skip

        self.database.write_now(write)

    def messages(self) -> list[str]:
        """The bodies of the messages to webhooks."""
        return self.database.read_now(
            lambda conn: [row[0] for row in conn.execute("SELECT content FROM deliveries ORDER BY id")]
        )
