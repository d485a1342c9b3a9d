"""Connecting by LTI: what follows from the LMS's family, and whose a deployment is."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from passback.lms.registry import Reached
from passback.operations import lti
from passback.operations.errors import OperationError
from passback.store import connections, districts
from passback.store.engine.database import Connection, Opened
from passback.store.engine.vault import Vault
from support.sandbox import SetClock

FIRST, SECOND = "4fee004cca2e43cf27000000", "4fee004cca2e43cf28000000"


def connect(
    database: Opened, vault: Vault, district_id: str, deployments: str, client_id: str = "abc"
) -> None:
    options = {"issuer": "https://lms.test", "client_id": client_id, "deployment_ids": deployments}

    def write(conn: Connection) -> None:
        districts.set_lms(conn, district_id, "lti", "success", "https://lms.test/")
        sealed = connections.seal(vault, district_id, options)
        connections.save(
            conn, district_id, address="https://lms.test/", options=options, credentials=sealed, now=0
        )

    database.write_now(write)


def deployments(database: Opened, vault: Vault, district_id: str) -> tuple[str, str]:
    """As the options and the connector's credentials have them."""
    found = database.read_now(lambda conn: connections.find(conn, district_id))
    assert found is not None
    return found.options["deployment_ids"], connections.unseal(vault, found)["deployment_ids"]


def add(database: Opened, vault: Vault, district_id: str, deployment: str) -> None:
    asyncio.run(lti.add_deployment(database, vault, SetClock(), district_id, deployment))


def test_a_deployment_is_added_once(database: Opened, vault: Vault) -> None:
    connect(database, vault, FIRST, "1 2")
    add(database, vault, FIRST, "3")
    add(database, vault, FIRST, "3")
    assert deployments(database, vault, FIRST) == ("1,2,3", "1,2,3")


def test_a_deployment_is_one_districts(database: Opened, vault: Vault) -> None:
    connect(database, vault, FIRST, "1")
    connect(database, vault, SECOND, "2")
    with pytest.raises(OperationError, match=f"district {FIRST} is connected to deployment 1"):
        add(database, vault, SECOND, "1")
    connect(database, vault, SECOND, "2", client_id="other")
    add(database, vault, SECOND, "1")


@pytest.mark.parametrize("name", ["auth_login_url", "jwks_url"])
def test_districts_that_share_a_client_share_whom_it_believes(
    database: Opened, vault: Vault, name: str
) -> None:
    connect(database, vault, FIRST, "1")
    mine = {"issuer": "https://lms.test", "client_id": "abc", "deployment_ids": "2"}
    ours = Reached(SECOND, "https://lms.test/", mine)
    database.read_now(lambda conn: lti.require_free(conn, ours))
    without_issuer = {name: it for name, it in mine.items() if name != "issuer"}  # then the address is
    for options in ({**mine, name: "https://evil.test/x"}, {**without_issuer, name: "/x"}):
        theirs = Reached(SECOND, "https://lms.test/", options)
        with pytest.raises(OperationError, match=f"district {FIRST} .* with another {name}"):
            database.read_now(partial(lti.require_free, wanted=theirs))


@pytest.mark.parametrize("deployment", ["", "a b", "a,b", "a\nb", "\0"])
def test_what_is_no_deployment_is_not_added(database: Opened, vault: Vault, deployment: str) -> None:
    connect(database, vault, FIRST, "1")
    with pytest.raises(OperationError, match="not the id of a deployment"):
        add(database, vault, FIRST, deployment)


def test_only_a_connection_by_lti_has_deployments(database: Opened, vault: Vault) -> None:
    with pytest.raises(OperationError, match="no connection by LTI"):
        add(database, vault, FIRST, "1")


@pytest.mark.parametrize("family", ["moodle", "canvas", "brightspace", "schoology", "blackboard"])
def test_most_addresses_follow_from_the_family(family: str) -> None:
    found = lti.defaults(family, "https://lms.test/sub/")
    assert {"issuer", "auth_login_url", "token_url"} <= set(found)
    assert all(value.startswith("https://") and not value.endswith("/") for value in found.values())


def test_moodle_may_be_below_a_path() -> None:
    found = lti.defaults("moodle", "https://school.test/moodle/")
    assert found["issuer"] == "https://school.test/moodle"
    assert found["token_url"] == "https://school.test/moodle/mod/lti/token.php"


@pytest.mark.parametrize("family", ["sakai", "openedx", "other"])
def test_of_others_every_address_is_asked_for(family: str) -> None:
    assert lti.defaults(family, "https://lms.test/") == {}
