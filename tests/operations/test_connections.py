"""Operations on connections, and what they are made with."""

from __future__ import annotations

import asyncio

import pytest

from passback.lms import registry
from passback.operations import connections, districts, lms_settings
from passback.operations.errors import NotFound, OperationError, VaultError
from passback.store import districts as stored_districts
from passback.store.engine.database import Opened
from passback.store.engine.vault import Vault
from support.sandbox import DISTRICT, NOW, STUDENT

CANVAS = registry.kind("canvas")


def clock() -> int:
    return NOW


def wanted(
    kind: str = "canvas", address: str = "https://a.example/", *, same_lms: bool = False
) -> connections.NewConnection:
    given = (
        {"access_token": "t0ken"} if kind == "canvas" else {"consumer_key": "k", "consumer_secret": "s3cret"}
    )
    return connections.NewConnection(registry.kind(kind), address, given, same_lms)


def connect(database: Opened, vault: Vault, kind: str = "canvas") -> str:
    made = asyncio.run(connections.connect(database, vault, wanted(kind), clock, name="Unified"))
    assert made.kept_matches
    return made.district_id


def test_a_new_district_is_created_and_connected(database: Opened, vault: Vault) -> None:
    id_ = connect(database, vault)
    district = asyncio.run(districts.find(database, id_))
    assert (district.name, district.lms_type, district.created) == ("Unified", "canvas", NOW)
    assert districts.Listed(district, "https://a.example/") in asyncio.run(districts.list_all(database))
    assert not asyncio.run(connections.has_roster(database, id_))


def test_a_connection_is_shown_without_its_secrets(database: Opened, vault: Vault) -> None:
    shown = asyncio.run(connections.show(database, vault, connect(database, vault)))
    assert (shown.address, shown.secrets) == ("https://a.example/", ["access_token"])
    assert "t0ken" not in repr(shown)


def test_without_a_key_no_district_is_left_behind(database: Opened) -> None:
    def no_key() -> list[bytes]:
        raise VaultError("no key")

    before = asyncio.run(districts.list_all(database))
    with pytest.raises(VaultError):
        asyncio.run(connections.connect(database, Vault(no_key), wanted(), clock, name="X"))
    assert asyncio.run(districts.list_all(database)) == before


def test_an_unknown_district_is_not_connected(database: Opened, vault: Vault) -> None:
    with pytest.raises(NotFound, match="there is no district x"):
        asyncio.run(connections.connect(database, vault, wanted(), clock, district_id="x"))


def test_a_roster_that_came_from_one_lms_is_not_read_from_another(database: Opened, vault: Vault) -> None:
    id_ = connect(database, vault)
    database.write_now(lambda conn: stored_districts.follow_lms(conn, id_, follows=True))
    assert asyncio.run(connections.has_roster(database, id_))
    elsewhere = wanted(address="https://b.example/")
    with pytest.raises(connections.OtherLms, match=f"of district {id_} .* https://a.example/") as raised:
        asyncio.run(connections.connect(database, vault, elsewhere, clock, district_id=id_))
    assert (raised.value.district_id, raised.value.address) == (id_, "https://a.example/")
    assert asyncio.run(connections.show(database, vault, id_)).address == "https://a.example/"
    same = wanted(address="https://b.example/", same_lms=True)
    assert asyncio.run(connections.connect(database, vault, same, clock, district_id=id_)).kept_matches


def test_a_connection_is_removed_once(database: Opened, vault: Vault) -> None:
    id_ = connect(database, vault)
    asyncio.run(connections.remove(database, id_))
    assert asyncio.run(districts.find(database, id_)).lms_state == "disconnected"
    for one in (connections.remove(database, id_), connections.show(database, vault, id_)):
        with pytest.raises(NotFound, match="has no connection"):
            asyncio.run(one)


def test_a_district_without_a_connection_keeps_its_state(database: Opened) -> None:
    before = asyncio.run(districts.find(database, DISTRICT))
    with pytest.raises(NotFound):
        asyncio.run(connections.remove(database, DISTRICT))
    assert asyncio.run(districts.find(database, DISTRICT)) == before


def test_students_sign_in_only_where_the_lms_needs_it(database: Opened, vault: Vault) -> None:
    with pytest.raises(NotFound, match="has no connection"):
        asyncio.run(connections.student_sign_in(database, vault, DISTRICT, STUDENT))
    with pytest.raises(OperationError, match="nobody need sign in"):
        asyncio.run(connections.student_sign_in(database, vault, connect(database, vault), STUDENT))
    with pytest.raises(OperationError, match="is not a student of the district who is matched"):
        asyncio.run(
            connections.student_sign_in(database, vault, connect(database, vault, "schoology"), STUDENT)
        )


def test_a_students_credentials_are_kept_beside_the_others(database: Opened, vault: Vault) -> None:
    id_ = connect(database, vault, "schoology")
    asyncio.run(connections.add_student(database, vault, id_, "77", ["token", "secret"], clock))
    secrets = asyncio.run(connections.show(database, vault, id_)).secrets
    assert secrets == ["consumer_secret", "student:77"]
    asyncio.run(connections.remove(database, id_))
    with pytest.raises(NotFound):
        asyncio.run(connections.add_student(database, vault, id_, "77", ["token", "secret"], clock))


def test_a_district_may_use_the_built_in_gradebook(database: Opened) -> None:
    id_ = asyncio.run(connections.create_with_gradebook(database, "Elm Schools", clock))
    district = asyncio.run(districts.find(database, id_))
    assert (district.name, district.lms_type, district.lms_state) == (
        "Elm Schools",
        registry.BUILTIN,
        "success",
    )


# What they are made with


def test_an_unknown_kind_or_setting_lists_those_that_exist() -> None:
    with pytest.raises(OperationError, match=r"there is no connector for 'moodlet'.*canvas"):
        lms_settings.kind("moodlet")
    with pytest.raises(
        OperationError, match=r"'tokn' is not a setting of Canvas, whose settings are\n(.*\n)*  access_token"
    ):
        lms_settings.setting(CANVAS, "tokn")


def test_a_value_must_look_as_its_setting_says() -> None:
    setting = lms_settings.setting(registry.kind("schoology"), "run_as")
    lms_settings.check_value(setting, "yes")
    with pytest.raises(OperationError, match="'maybe' is not a value of run_as"):
        lms_settings.check_value(setting, "maybe")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("A.Example", "https://a.example/"),
        ("https://a.example/courses/1", "https://a.example/"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/"),
    ],
)
def test_an_address_is_what_people_type(text: str, address: str) -> None:
    assert lms_settings.base_address(CANVAS, text) == address


@pytest.mark.parametrize(
    "text", ["", "http://a.example", "ftp://a.example", "https://u:p@a.example", "a.example:0", "["]
)
def test_what_is_not_an_address_is_refused(text: str) -> None:
    with pytest.raises(OperationError, match="address"):
        lms_settings.base_address(CANVAS, text)


def test_what_is_missing_depends_on_whether_somebody_signs_in() -> None:
    schoology = registry.kind("schoology")
    assert [it.name for it in lms_settings.missing(schoology, {}, signing_in=False)] == [
        "consumer_key",
        "consumer_secret",
    ]
    assert (
        lms_settings.missing(schoology, {"consumer_key": "k", "consumer_secret": "s"}, signing_in=True) == []
    )
    assert lms_settings.lacks_alternative(CANVAS, {})
    assert not lms_settings.lacks_alternative(CANVAS, {"access_token": "t"})
    assert not lms_settings.lacks_alternative(schoology, {})
