"""Matches that may be another child's because a name has changed, by an import or in the LMS: on both databases."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from passback.app import open_database
from passback.domain.matching import LmsCourse, SectionRef
from passback.rosters import import_files
from passback.rosters.lms_as_files import LmsRoster
from passback.settings import Settings
from passback.store import lms_roster, match_candidates, matching, roster, roster_events
from passback.store.engine.database import Connection
from support.imports import DISTRICT, Importer, Silent
from support.matching import Account, Matcher
from support.postgres import DATABASES, database_of
from support.rosters import CLEVER, ONEROSTER_11, Table, changed, without
from support.sandbox import NOW

ANN = Account("A", "Ann Ash", "ann@d.example", "p1", ("c1",))
BEN = Account("B", "Ben Birch", "ben@d.example", "p2", ("c1",))
TOM = Account("T", "Tom Teak", "tom@d.example", "t1", ("c1",), "teacher")
EVERYBODY = {"p1": ("A", "sis_id"), "p2": ("B", "sis_id"), "t1": ("T", "sis_id")}


class World:
    """A district whose roster comes from files, and what is read of its LMS."""

    def __init__(self, matcher: Matcher, bring: Importer) -> None:
        self.matcher = matcher
        self.bring = bring
        matcher.subscribe("match.withdrawn")

    def sync(self, *accounts: Account) -> dict[str, tuple[str | None, str | None]]:
        self.matcher.read(accounts or (ANN, BEN, TOM))
        self.matcher.match(allow_losses=True)
        return self.matched()

    def sync_without_the_section(self) -> dict[str, tuple[str | None, str | None]]:
        """Sync while the LMS does not show who is in the section."""

        def write(conn: Connection) -> None:
            while lms_roster.clear(conn, DISTRICT, 1000):
                pass
            course = LmsCourse("c", "C")
            lms_roster.add_courses(conn, DISTRICT, [course])
            lms_roster.add_sections(conn, DISTRICT, course, [SectionRef("c1", "Algebra 1", "c1")])
            lms_roster.fill_unread_sections(conn, DISTRICT)

        self.matcher.database.write_now(write)
        self.matcher.match(allow_losses=True)
        return self.matched()

    def follow(self, *accounts: Account) -> None:
        """Take the roster from the LMS, and match it."""
        self.matcher.read(accounts)
        with self.matcher.database.session() as session:
            files = LmsRoster(session, DISTRICT, "The LMS's roster")
            options = import_files.Options(allow_removals=True, tolerance=import_files.STRICT)
            checked = import_files.check(session, files, DISTRICT, lambda: NOW, Silent(), options)
            assert checked.plan is not None
            import_files.apply(session, checked.plan, lambda: NOW, Silent(), lambda _: None)
        self.matcher.match(allow_losses=True)

    def matched(self) -> dict[str, tuple[str | None, str | None]]:
        return {it.sis_id: (it.lms_id, it.matched_by) for it in self.bring.all(roster.USERS)}

    def id_of(self, sis_id: str) -> str:
        return self.bring.ids(roster.USERS)[sis_id]

    def set(self, sis_id: str, lms_id: str, name: str | None) -> None:
        """Match somebody by hand to an account that a person saw under a name."""
        id_ = self.id_of(sis_id)
        self.matcher.database.write_now(lambda conn: matching.decide(conn, id_, lms_id, NOW, name))

    def review(self) -> dict[str, dict[str, str | None]]:
        """The reasons of the candidates of those who are undecided."""
        sis_ids = {id_: sis_id for sis_id, id_ in self.bring.ids(roster.USERS).items()}

        def read(conn: Connection) -> dict[str, dict[str, str | None]]:
            found = {}
            for ours in match_candidates.undecided(conn, DISTRICT):
                decision = match_candidates.decision(conn, ours)
                assert decision is not None
                found[sis_ids[ours.id]] = {it.id: it.reason for it in decision.candidates}
            return found

        return self.matcher.database.read_now(read)

    def told(self) -> list[list[str]]:
        """The users of each message to the webhook."""
        sis_ids = {id_: sis_id for sis_id, id_ in self.bring.ids(roster.USERS).items()}
        return [[sis_ids[it] for it in json.loads(m)["data"]["user_ids"]] for m in self.matcher.messages()]

    def unmatching_events(self) -> list[str]:
        page = self.matcher.database.read_now(lambda conn: roster_events.page(conn, DISTRICT, limit=100))
        return [it.object_id for it in page.items if it.previous == {"synced_in_lms": True}]


@pytest.fixture(params=DATABASES)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    with database_of(request.param, "production") as url:
        settings = Settings(data=":memory:", database_url=url)
        with contextlib.closing(open_database(settings, "production")) as database:
            yield World(Matcher(database), Importer(database, tmp_path))


def as_another(files: Mapping[str, Table], name: str = "Zoe", row: int = 2) -> dict[str, Table]:
    """The roster with somebody else's given name under Ann's id."""
    if "students.csv" in files:
        return changed(files, "students.csv", row, "First_name", name)
    return changed(files, "users.csv", row, "givenName", name)


def delta_with_another() -> dict[str, Table]:
    header, ann, *_ = ONEROSTER_11["users.csv"]
    manifest = [
        ("propertyName", "value"), ("manifest.version", "1.0"), ("oneroster.version", "1.1"), ("file.users", "delta"),
        *((f"file.{it}", "absent") for it in ("orgs", "academicSessions", "courses", "classes", "enrollments")),
    ]  # fmt: skip
    return {
        "manifest.csv": manifest,
        "users.csv": [header, [*ann[:2], "2026-11-20T08:00:00Z", *ann[3:7], "Zoe", *ann[8:]]],
    }


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (CLEVER, as_another(CLEVER)),
        (ONEROSTER_11, as_another(ONEROSTER_11)),
        (ONEROSTER_11, delta_with_another()),
    ],
    ids=["clever", "oneroster", "delta"],
)
def test_an_import_that_gives_an_id_to_another_child_withdraws_the_match(
    world: World, before: Mapping[str, Table], after: Mapping[str, Table]
) -> None:
    world.bring(before)
    assert world.sync() == EVERYBODY
    world.bring(after)
    assert world.matched() == {**EVERYBODY, "p1": (None, None)}
    reason = "it was matched until the roster's name changed from Ann Ash to Zoe Ash"
    assert world.review() == {"p1": {"A": reason}}
    assert (world.told(), world.unmatching_events()) == ([["p1"]], [world.id_of("p1")])
    percentages = world.matcher.database.read_now(
        lambda conn: conn.execute("SELECT lms_matched_percentage FROM districts").fetchone()[0]
    )
    assert json.loads(percentages)["students"] == 50.0


def test_it_is_not_made_again_while_the_section_cannot_be_read(world: World) -> None:
    world.bring(CLEVER)
    world.sync()
    world.bring(as_another(CLEVER))
    before = world.review()
    for _ in range(2):
        assert world.sync_without_the_section() == {**EVERYBODY, "p1": (None, None)}
        assert world.review() == before


def test_a_sync_makes_it_again_if_the_other_signs_say_so(world: World) -> None:
    world.bring(CLEVER)
    world.sync()
    world.bring(as_another(CLEVER, "Anna"))  # as a sister may be called
    assert world.matched()["p1"] == (None, None)
    assert (world.sync(), world.review(), world.told()) == (EVERYBODY, {}, [["p1"]])


def test_a_person_confirms_it(world: World) -> None:
    world.bring(CLEVER)
    world.sync()
    world.bring(as_another(CLEVER))
    world.sync()
    assert list(world.review()["p1"]) == ["A"]
    world.set("p1", "A", "Ann Ash")
    assert world.sync() == {**EVERYBODY, "p1": ("A", "hand")}


@pytest.mark.parametrize(
    ("column", "value"), [("Last_name", "Oak"), ("First_name", "ANN"), ("Student_email", "ann.oak@d.example")]
)
def test_a_marriage_withdraws_nothing(world: World, column: str, value: str) -> None:
    world.bring(CLEVER)
    world.sync()
    world.bring(changed(CLEVER, "students.csv", 2, column, value))
    assert (world.matched(), world.review(), world.told()) == (EVERYBODY, {}, [])


def test_whoever_comes_back_under_anothers_id_is_not_matched(world: World) -> None:
    world.bring(CLEVER)
    world.sync()
    world.bring(without(without(CLEVER, "students.csv", 2), "enrollments.csv", 2))
    world.bring(as_another(CLEVER))
    assert world.matched() == {**EVERYBODY, "p1": (None, None)}
    assert (list(world.review()), world.told()) == (["p1"], [])


def test_an_account_without_a_name_is_not_kept_for_quite_another_child(world: World) -> None:
    world.bring(CLEVER)
    nameless = Account("A", "", None, "p1", ("c1",))
    assert world.sync(nameless, BEN, TOM) == EVERYBODY
    world.bring(changed(CLEVER, "students.csv", 2, "Last_name", "Oak"))
    assert world.matched() == EVERYBODY
    world.bring(as_another(CLEVER))
    assert world.matched()["p1"] == (None, None)


HAND = {**EVERYBODY, "p1": ("A", "hand")}


@pytest.mark.parametrize("name", ["Ann Ash", "Roberta Ash", None], ids=["same", "accepted", "not looked up"])
def test_a_match_by_hand_is_withdrawn_when_its_id_becomes_anothers(world: World, name: str | None) -> None:
    world.bring(CLEVER)
    world.sync()
    world.set("p1", "A", name)
    world.bring(as_another(CLEVER))
    assert world.matched()["p1"] == (None, None)
    [reason] = world.review()["p1"].values()
    assert reason == "it was matched by hand until the roster's name changed from Ann Ash to Zoe Ash"


def of_lms(name: str) -> Sequence[Account]:
    return Account("A", name, None, None, ("c1",)), BEN, TOM


@pytest.mark.parametrize("accepted", ["Ann Ash", "Roberta Ash"])
def test_a_match_by_hand_is_withdrawn_when_its_account_becomes_anothers(world: World, accepted: str) -> None:
    world.bring(CLEVER)
    world.sync(*of_lms(accepted))
    world.set("p1", "A", accepted)
    assert world.sync(*of_lms(accepted)) == HAND
    assert world.sync(*of_lms("Zoe Ash")) == {**EVERYBODY, "p1": (None, None)}
    reason = f"it was matched by hand until its name changed from {accepted} to Zoe Ash"
    assert (world.told(), world.review()) == ([["p1"]], {"p1": {"A": reason}})
    world.sync(*of_lms("Zoe Ash"))
    assert world.review() == {"p1": {"A": reason}}, "until a person decides"
    world.set("p1", "A", "Zoe Ash")
    assert world.sync(*of_lms("Zoe Ash")) == HAND


@pytest.mark.parametrize("then", ["Roberta Ash", "Roberta Oak", "Ann Ash", ""])
def test_a_person_may_have_accepted_that_names_differ(world: World, then: str) -> None:
    world.bring(CLEVER)
    world.sync(*of_lms("Roberta Ash"))
    world.set("p1", "A", "Roberta Ash")
    world.bring(changed(CLEVER, "students.csv", 2, "Last_name", "Oak"))
    assert (world.matched()["p1"], world.sync(*of_lms(then))) == (("A", "hand"), HAND)


def test_the_name_that_a_sync_first_finds_is_the_accepted_one(world: World) -> None:
    world.bring(CLEVER)
    world.sync(BEN, TOM)
    world.set("p1", "A", None)
    assert world.sync(*of_lms("Roberta Ash")) == HAND
    assert world.sync(*of_lms("Zoe Ash"))["p1"] == (None, None)


def test_in_a_roster_from_the_lms_everybody_follows_their_account(world: World) -> None:
    """Ann has two accounts, and a person decided on the second; then somebody else gets the first, and its SIS id."""
    second = Account("S", "Ann Ash", None, None, ("c1",))
    world.follow(ANN, BEN, second)
    ann, ben = world.id_of("p1"), world.id_of("p2")
    world.set("lms:S", "X", "Somebody Else")
    world.set("p1", "S", "Ann Ash")
    zoe = Account("A", "Zoe Ash", "ann@d.example", "p1", ("c1",))
    world.follow(zoe, Account("B", "Ben Oak", "ben@d.example", "p2", ("c1",)), second)
    users = {it.id: (it.first_name, it.lms_id) for it in world.bring.all(roster.USERS)}
    assert (users[ann], users[ben]) == (("Ann", "S"), ("Ben", "B"))
    assert ("Zoe", "A") in users.values()
    assert world.told() == []


def test_what_a_sync_withdraws_waits_as_long_for_a_person(world: World) -> None:
    world.bring(CLEVER)
    world.sync()
    for _ in range(2):
        assert world.sync(*of_lms("Zoe Oak"))["p1"] == (None, None)
        assert world.review() == {"p1": {"A": "it was matched until now, but its name is Zoe Oak"}}
    assert world.told() == [["p1"]]


def test_a_withdrawn_match_is_forgotten_with_the_account(world: World) -> None:
    world.bring(CLEVER)
    world.sync()
    world.bring(as_another(CLEVER))
    world.sync(BEN, TOM)
    assert world.review() == {}


def test_a_former_account_that_is_another_childs_now_is_not_offered(world: World) -> None:
    world.bring(CLEVER)
    world.sync(*of_lms("Ann Ash"))
    world.bring(as_another(CLEVER))
    world.set("p2", "A", "Ann Ash")
    world.sync(*of_lms("Ann Ash"))
    assert "A" not in world.review().get("p1", {})
