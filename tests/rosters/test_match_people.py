"""Whom the roster's people are matched to, sign against sign: on both databases."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator

import pytest

from passback.app import open_database
from passback.domain.clock import HOUR
from passback.settings import Settings
from passback.store import deliveries, districts, matching, number_fits, roster_events
from passback.store.engine.database import Connection
from passback.store.number_fits import NumberFit
from support.delivery import delivery
from support.matching import DISTRICT, Account, Child, Matcher
from support.postgres import DATABASES, database_of
from support.sandbox import NOW


@pytest.fixture(params=DATABASES)
def matcher(request: pytest.FixtureRequest) -> Iterator[Matcher]:
    with database_of(request.param, "production") as url:
        settings = Settings(data=":memory:", database_url=url)
        with contextlib.closing(open_database(settings, "production")) as database:
            yield Matcher(database)


def kid(id_: str, name: str, **known: str) -> Child:
    return Child(id_, name, known=known)


SAM = kid("u", "Sam Lee", sis_id="S1", email="sam@x")
KNOWN = [kid("v", "Ben Two", sis_id="S2"), kid("w", "Cy Orr", sis_id="S3")]
"""Others of the district, whose SIS ids are those of the LMS..."""
SAME_KIND = [Account("b", "Ben Two", sis_id="S2"), Account("c", "Cy Orr", sis_id="S3")]
OTHER_KIND = [Account("b", "Ben Two", sis_id="9002"), Account("c", "Cy Orr", sis_id="9003")]
"""... or not."""

MATCHED: dict[str, tuple[list[Child], list[Account], tuple[str | None, str | None]]] = {
    "the SIS id, the name and the address": ([SAM], [Account("X", "Sam Lee", "sam@x", "s1")], ("X", "sis_id")),
    "the SIS id before the others": (
        [SAM], [Account("X", "Sam Lee", "sam@x"), Account("Y", "Lee, Sam", "else@x", "S1")], ("Y", "sis_id"),
    ),
    "the SIS id and the address after a marriage": ([SAM], [Account("X", "Sam Oak", "Sam@X", "S1")], ("X", "sis_id")),
    "the SIS id of another Sam": ([SAM], [Account("X", "Sam Oak", None, "S1")], (None, None)),
    "the SIS id and the address of a brother": ([SAM], [Account("X", "Tom Lee", "sam@x", "S1")], (None, None)),
    "the SIS id and the address, and a short form of the name": (
        [SAM], [Account("X", "Samuel Lee", "sam@x", "S1")], ("X", "sis_id"),
    ),
    "the SIS id and a short form of the name": ([SAM], [Account("X", "Samantha Lee", None, "S1")], (None, None)),
    "the SIS id, if there is no name": ([SAM], [Account("X", "", None, "S1")], ("X", "sis_id")),
    "an account that was another's": ([SAM], [Account("X", "Zoe Young", "zoe@x", "S1")], (None, None)),
    "a brother's account": ([kid("u", "Sam Lee", sis_id="S1")], [Account("X", "Tom Lee", None, "S1")], (None, None)),
    "the SIS id that the namesake had": (
        [SAM, kid("v", "Sam Lee", sis_id="S7", email="v@x")], [Account("X", "Sam Lee", "v@x", "S1")], (None, None),
    ),
    "the address and the name": ([SAM], [Account("X", "LEE, SAM", "SAM@x")], ("X", "email")),
    "the address and a short form of the name": ([SAM], [Account("X", "Samantha Lee", "sam@x")], (None, None)),
    "the address of a family": ([SAM], [Account("X", "Tom Lee", "sam@x")], (None, None)),
    "the address of a family, and the name": (
        [SAM, kid("v", "Tom Lee", email="sam@x")],
        [Account("X", "Sam Lee", "sam@x"), Account("Y", "Tom Lee", "sam@x")], ("X", "email"),
    ),
    "the address of a family, and a short form of the name": (
        [SAM, kid("v", "Samantha Lee", email="sam@x")], [Account("X", "Samantha Lee", "sam@x")], (None, None),
    ),
    "the address against a SIS id of the same kind": (
        [SAM, *KNOWN], [Account("X", "Sam Lee", "sam@x", "S9"), *SAME_KIND], (None, None),
    ),
    "the address, and SIS ids of another kind": (
        [SAM, *KNOWN], [Account("X", "Sam Lee", "sam@x", "9001"), *OTHER_KIND], ("X", "email"),
    ),
    "the name alone": ([SAM], [Account("X", "Lee, Sam")], ("X", "name")),
    "the name against an address": ([SAM], [Account("X", "Sam Lee", "other@x")], (None, None)),
    "the name, and a name to sign in with": ([SAM], [Account("X", "Sam Lee", "slee24")], ("X", "name")),
    "the name against a SIS id of the same kind": (
        [SAM, *KNOWN], [Account("X", "Sam Lee", None, "S9"), *SAME_KIND], (None, None),
    ),
    "the name against a SIS id of which nothing is known": ([SAM], [Account("X", "Sam Lee", None, "S9")], (None, None)),
    "the name, and SIS ids of another kind": (
        [SAM, *KNOWN], [Account("X", "Sam Lee", None, "9001"), *OTHER_KIND], ("X", "name"),
    ),
    "the name, but the SIS id is another's": (
        [kid("u", "Sam Lee"), *KNOWN], [Account("X", "Sam Lee", None, "S2"), SAME_KIND[1]], (None, None),
    ),
    "the name, but another account has the SIS id": (
        [SAM, *KNOWN], [Account("X", "Sam Lee"), Account("Y", "Zoe Young", None, "S1"), *SAME_KIND], (None, None),
    ),
    "the name, but a namesake has the address": (
        [kid("u", "Sam Lee"), Child("v", "Sam Lee", ("k2",), known={"email": "v@x"})],
        [Account("X", "Sam Lee", "v@x"), Account("Z", "Zoe", None, None, ("k2",))], (None, None),
    ),
    "two of the name": ([SAM], [Account("X", "Sam Lee"), Account("Y", "Sam Lee")], (None, None)),
    "two accounts, of which one is sure": (
        [SAM], [Account("X", "Sam Lee"), Account("Y", "Sam Lee", "sam@x")], ("Y", "email"),
    ),
    "two accounts with the SIS id": (
        [SAM], [Account("X", "Sam Lee", None, "S1"), Account("Y", "Sam Lee", None, "S1", ("k2",))], (None, None),
    ),
    "two of the name, one of whom is elsewhere in the LMS": (
        [SAM], [Account("X", "Sam Lee"), Account("Y", "Sam Lee", None, None, ("k2",))], (None, None),
    ),
    "two of the name, one of whom is elsewhere in the roster": (
        [SAM, Child("v", "Sam Lee", ("k2",))], [Account("X", "Sam Lee"), Account("Z", "Zoe", None, None, ("k2",))],
        (None, None),
    ),
    "two of the name, one of whom is surely known": (
        [SAM, kid("v", "Sam Lee", email="v@x")], [Account("X", "Sam Lee"), Account("Y", "Sam Lee", "v@x")],
        ("X", "name"),
    ),
    "a teacher of the name": ([SAM], [Account("X", "Sam Lee", "sam@x", "S1", role="teacher")], (None, None)),
    "somebody of another section": (
        [SAM], [Account("X", "Sam Lee", "sam@x", "S1", ("k2",)), Account("Y", "Zoe")], (None, None),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("people", "accounts", "expected"), MATCHED.values(), ids=MATCHED)
def test_a_weaker_sign_never_wins(
    matcher: Matcher, people: list[Child], accounts: list[Account], expected: tuple[str | None, str | None]
) -> None:
    matcher.have(people)
    matcher.read(accounts)
    assert matcher.match()["u"] == expected


NICKNAMES: dict[str, tuple[dict[str, str], dict[str, str], str]] = {
    "the SIS id": ({"sis_id": "S{}"}, {"sis_id": "s{}"}, "sis_id"),
    "the address": ({"email": "s{}@x.example"}, {"email": "S{}@x.example"}, "email"),
}
MANY = range(22)


@pytest.mark.parametrize(("ours", "theirs", "by"), NICKNAMES.values(), ids=NICKNAMES)
def test_a_short_form_of_the_name_will_do_in_a_district_whose_signs_are_reliable(
    matcher: Matcher, ours: dict[str, str], theirs: dict[str, str], by: str
) -> None:
    def known(form: dict[str, str], it: object) -> dict[str, str]:
        return {name: value.format(it) for name, value in form.items()}

    name = ["Sam Lee", *(f"{chr(ord('A') + it)}nn Oak" for it in MANY)]
    matcher.have(kid(f"u{it}", name, **known(ours, it)) for it, name in enumerate(name))
    name[0] = "Samuel Lee"
    accounts = [Account(f"a{it}", name, **known(theirs, it)) for it, name in enumerate(name)]
    matcher.read(accounts)
    assert matcher.match()["u0"] == ("a0", by)
    wrong = [
        Account(it.id, f"Zoe {it.name}" if it.id in {"a1", "a2", "a3"} else it.name, it.email, it.sis_id)
        for it in accounts
    ]
    matcher.read(wrong)
    assert matcher.match()["u0"] == (None, None)


REASONS: dict[str, tuple[list[Child], list[Account], dict[str, str]]] = {
    "both contradict": (
        [kid("u", "Sam Lee", sis_id="u3", email="sam@x")], [Account("X", "Sam Lee", "other@x", "S2004")],
        {"X": "the name agrees, but its e-mail address is other@x, not sam@x; its SIS id is S2004, not u3"},
    ),
    "an account that was another's": (
        [SAM], [Account("X", "Zoe Young", "zoe@x", "S1")],
        {"X": "the SIS id agrees, but its name is Zoe Young; its e-mail address is zoe@x, not sam@x"},
    ),
    "a family's address": (
        [SAM], [Account("X", "Tom Lee", "sam@x")], {"X": "the e-mail address agrees, but its name is Tom Lee"},
    ),
    "two of the name": (
        [SAM], [Account("X", "Sam Lee"), Account("Y", "Sam Lee")],
        dict.fromkeys("XY", "the name agrees, but several have it"),
    ),
    "what is another's is not offered": (
        [SAM, kid("v", "Tom Lee", sis_id="S2", email="sam@x")], [Account("X", "Tom Lee", "sam@x", "S2")], {},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("people", "accounts", "reasons"), REASONS.values(), ids=REASONS)
def test_a_person_is_told_what_speaks_against_a_candidate(
    matcher: Matcher, people: list[Child], accounts: list[Account], reasons: dict[str, str]
) -> None:
    matcher.have(people)
    matcher.read(accounts)
    matcher.match()
    assert matcher.reasons().get("u", {}) == reasons


@pytest.mark.parametrize("kind", ["sis_id", "number", "state_id", "username"])
def test_the_number_that_fits_most_is_the_lmss_sis_id(matcher: Matcher, kind: str) -> None:
    """Two of one name, whom nothing but their numbers tells apart; some other numbers fit by chance."""
    others = {"sis_id": "S-4{}", "number": "{}", "state_id": "ST{}", "username": "lee{}"}
    ids = ("1", "2", "3")
    matcher.have(
        kid(
            f"u{it}",
            "Sam Lee",
            **{name: form.format(it) for name, form in others.items()} | {kind: f"S200{it}"},
        )
        for it in ids
    )
    matcher.read(Account(it, "Sam Lee", None, f"S200{it}") for it in ids)
    assert {id_: found[0] for id_, found in matcher.match().items() if id_ != "k1"} == {
        "u1": "1", "u2": "2", "u3": "3",
    }  # fmt: skip


def test_an_operator_can_name_the_number(matcher: Matcher) -> None:
    """Row numbers of the roster happen to be SIS ids of the LMS, of others."""
    people = [
        kid(f"u{it}", f"{name} Lee", sis_id=str(it), number=str(it + 1)) for it, name in enumerate("AB")
    ]
    matcher.have(people)
    matcher.read([Account("X", "", None, "1"), Account("Y", "", None, "0"), Account("Z", "", None, "2")])
    assert [matcher.match()[it][0] for it in ("u0", "u1")] == ["Y", "X"]
    matcher.database.write_now(lambda conn: districts.set_match_by(conn, DISTRICT, "number"))
    assert [matcher.match()[it][0] for it in ("u0", "u1")] == ["X", "Z"]
    matcher.database.write_now(lambda conn: districts.set_match_by(conn, DISTRICT, "username"))
    assert [matcher.match()[it][0] for it in ("u0", "u1")] == ["Y", "X"]


def test_how_well_each_number_fits_is_recorded(matcher: Matcher) -> None:
    """Three of four are known by their number, one of them under another name; one row number fits by chance."""
    people = [kid(f"u{it}", f"{name} Lee", sis_id=str(it), number=f"S{it}") for it, name in enumerate("ABCD")]
    matcher.have(people)
    accounts = [Account("1", "A Lee", None, "S0"), Account("2", "B Lee", None, "S1")]
    matcher.read([*accounts, Account("3", "Zoe Oak", None, "S2"), Account("4", "Eve Oak", None, "3")])
    matcher.match()

    def fits() -> list[NumberFit]:
        found = matcher.database.read_now(lambda conn: number_fits.find(conn, DISTRICT))
        return [it for it in found if it.role == "student" and it.fits]

    assert fits() == [
        NumberFit("student", "number", 4, 3, 2, "fits"), NumberFit("student", "sis_id", 4, 1, 0),
    ]  # fmt: skip
    matcher.database.write_now(lambda conn: districts.set_match_by(conn, DISTRICT, "sis_id"))
    matcher.match()
    assert fits() == [
        NumberFit("student", "sis_id", 4, 1, 0, "named"), NumberFit("student", "number", 4, 3, 2),
    ]  # fmt: skip
    matcher.database.write_now(lambda conn: matching.forget(conn, DISTRICT, NOW))
    assert fits() == []


def events(matcher: Matcher) -> list[tuple[str, str, object]]:
    page = matcher.database.read_now(lambda conn: roster_events.page(conn, DISTRICT, limit=100))
    return [(it.kind, it.object_id, it.previous["synced_in_lms"]) for it in page.items]


def test_a_match_that_would_not_be_made_today_is_not_used_until_confirmed(matcher: Matcher) -> None:
    people = [SAM, *(kid(f"v{it}", f"Ann No{it}", sis_id=f"V{it}") for it in range(30))]
    matcher.have(people)
    wrong = [Account(f"a{it}", f"Zoe Is{it}", None, f"V{it}") for it in range(30)]
    matcher.read([Account("X", "Sam Lee", "other@x"), *wrong])

    def old_rules(conn: Connection) -> None:
        conn.execute("UPDATE users SET lms_id = 'X', matched_by = 'name' WHERE id = 'u'")
        for it in range(30):
            conn.execute(f"UPDATE users SET lms_id = 'a{it}', matched_by = 'sis_id' WHERE id = 'v{it}'")

    matcher.database.write_now(old_rules)
    found = matcher.match()
    assert {found[it.id] for it in people} == {(None, None)}, "however many they are"
    assert ("users", "u", True) in events(matcher)
    assert matcher.reasons()["u"] == {
        "X": "the name agrees, but its e-mail address is other@x, not sam@x (matched until now)"
    }
    matcher.database.write_now(lambda conn: matching.decide(conn, "u", "X", NOW))
    assert matcher.match()["u"] == ("X", "hand")


def test_applications_are_told_of_withdrawn_matches(matcher: Matcher) -> None:
    matcher.subscribe("match.withdrawn")
    matcher.have([SAM])
    matcher.read([Account("X", "Sam Lee")])
    assert (matcher.match()["u"], matcher.messages()) == (("X", "name"), [])
    matcher.read([Account("X", "Sam Lee", "other@x")])
    matcher.match()
    [message] = matcher.messages()
    told = json.loads(message)
    assert (told["type"], told["data"]) == (
        "match.withdrawn", {"district_id": DISTRICT, "section_ids": [], "user_ids": ["u"]},
    )  # fmt: skip
    matcher.match()
    assert len(matcher.messages()) == 1


def test_what_the_lms_no_longer_shows_of_a_person_contradicts_nothing(matcher: Matcher) -> None:
    """Rights to read addresses and SIS ids were withdrawn. Two of one name stay apart, and so does their section."""
    people = [SAM, kid("v", "Sam Lee", sis_id="S2"), kid("w", "Cy Orr", email="cy@x")]
    matcher.have(people, {"k1": "Math 1"})
    first = [
        Account("X", "Sam Lee", "sam@x", "S1"),
        Account("Y", "Sam Lee", None, "S2"),
        Account("Z", "Cy Orr", "cy@x"),
    ]
    matcher.read(first, {"k1": "Math 1"})
    before = matcher.match()
    assert before == {"k1": ("k1", "name"), "u": ("X", "sis_id"), "v": ("Y", "sis_id"), "w": ("Z", "email")}
    matcher.read([Account(it.id, it.name) for it in first], {"k1": "Math 1"})
    assert matcher.match() == before
    assert matcher.match() == before


SECTIONS: dict[str, tuple[list[Child], list[Account], str | None]] = {
    "somebody in it is surely matched": ([SAM], [Account("X", "Sam Lee", "sam@x")], "k1"),
    "nobody is": ([SAM], [Account("X", "Sam Lee")], None),
    "another teacher has one of the same name": (
        [SAM, Child("t", "Ada One", role="teacher", known={"email": "ada@x"})],
        [
            Account("X", "Sam Lee", "sam@x"), Account("T", "Bo Ek", "bo@x", role="teacher"),
            Account("A", "Ada One", "ada@x", None, ("k2",), "teacher"),
        ],
        None,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("people", "accounts", "expected"), SECTIONS.values(), ids=SECTIONS)
def test_a_sections_name_needs_somebody_who_is_surely_matched(
    matcher: Matcher, people: list[Child], accounts: list[Account], expected: str | None
) -> None:
    matcher.have(people, {"k1": "Math 1"})
    matcher.read(accounts, {"k1": "MATH 1", "k2": "Art"})
    assert matcher.match()["k1"][0] == expected
    assert ("k1" in matcher.reasons()) is (expected is None)


def test_a_section_whose_name_alone_agreed_is_not_used_until_confirmed(matcher: Matcher) -> None:
    matcher.have([SAM], {"k1": "Math 1"})
    matcher.read([Account("X", "Sam Lee")], {"k1": "Math 1"})
    for table, lms_id in (("sections", "k1"), ("users", "X")):
        matcher.database.write_now(
            lambda conn, table=table, lms_id=lms_id: conn.execute(  # type: ignore[misc]
                f"UPDATE {table} SET lms_id = :id, matched_by = 'name'", {"id": lms_id}
            )
        )
    assert matcher.match() == {"k1": (None, None), "u": (None, None)}
    matcher.database.write_now(lambda conn: matching.decide(conn, "k1", "k1", NOW))
    assert matcher.match() == {"k1": ("k1", "hand"), "u": ("X", "name")}


def test_values_that_are_too_long_to_compare_say_nothing(matcher: Matcher) -> None:
    """PostgreSQL cannot index them."""
    long = "".join(chr(ord("a") + it * it % 25) for it in range(9_000))
    matcher.have([SAM, kid("v", "Ben Two", email=f"{long}@x", username=long, sis_id="S2")])
    matcher.read([Account("X", "Sam Lee", f"{long}@x", long), Account("Y", "Ben Two", None, "S2")])
    found = matcher.match()
    assert (found["u"], found["v"]) == ((None, None), ("Y", "sis_id"))


def test_a_grade_that_waits_is_tried_as_soon_as_a_sync_has_matched_it(matcher: Matcher) -> None:
    matcher.have([SAM])
    waits = delivery("grade", district_id=DISTRICT, section_id="k1", user_id="u", due=NOW + HOUR)
    matcher.database.write_now(lambda conn: deliveries.add(conn, [waits]))
    dues = []
    for accounts in ([Account("Z", "Zoe", None, None, ("k2",))], [Account("X", "Sam Lee", "sam@x")]):
        matcher.read(accounts)
        matcher.match()
        found = matcher.database.read_now(lambda conn: deliveries.find(conn, "grade"))
        dues.append(found and found.due)
    assert dues == [NOW + HOUR, NOW]
