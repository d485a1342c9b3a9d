"""Registrations: under which client id an LMS knows the gateway, and which district each of its deployments is."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urljoin

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable

    from passback.context import Reach
    from passback.lms.registry import Reached
    from passback.store.engine.database import Connection

KIND = "lti"
"""The kind of LMS whose connections are registrations."""


class Registration(Struct, frozen=True):
    """How one district's LMS and the gateway know each other."""

    district_id: str
    address: str
    """The base of the LMS's addresses, ending with a slash."""
    issuer: str
    client_id: str
    auth_login_url: str
    """Where the LMS is asked who the person is."""
    jwks_url: str
    """Where the LMS publishes its keys."""
    deployment_ids: frozenset[str]


def find_all(connectors: Reach, connection: Connection, issuer: str) -> list[Registration]:
    """The registrations at an issuer, which several districts may share."""
    return at_issuer(connectors.of_kind(connection, KIND), issuer)


def at_issuer(reached: Iterable[Reached], issuer: str) -> list[Registration]:
    """Those of the connections that are registrations at an issuer."""
    return [it for it in map(registration, reached) if it.issuer == issuer]


def chosen(
    registrations: list[Registration], client_id: str | None, deployment_id: str | None = None
) -> list[Registration]:
    """Those of one client: the one that is named, or the only one. Empty if nothing tells which is meant."""
    if client_id is not None:
        return [it for it in registrations if it.client_id == client_id]
    meant = registrations
    if deployment_id is not None and len({it.client_id for it in meant}) > 1:
        meant = [it for it in registrations if deployment_id in it.deployment_ids]
    return meant if len({it.client_id for it in meant}) == 1 else []


def registration(stored: Reached) -> Registration:
    """The registration that a connection is."""
    options, address = stored.options, stored.address
    return Registration(
        stored.district_id,
        address,
        options.get("issuer") or address.removesuffix("/"),
        options.get("client_id", ""),
        urljoin(address, options.get("auth_login_url", "")),
        urljoin(address, options.get("jwks_url", "")),
        frozenset(options.get("deployment_ids", "").replace(",", " ").split()),
    )
