"""Connecting a district by LTI: by hand, or by a link that an administrator opens in the LMS."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from msgspec import Struct

from passback.domain.clock import DAY
from passback.lms.registry import Reached
from passback.lti import dynamic_registration
from passback.lti.refused import Refused
from passback.lti.registrations import KIND, at_issuer, registration
from passback.operations import audit, connections, districts, lms_settings
from passback.operations.connections import Connected, NewConnection
from passback.operations.errors import OperationError
from passback.operations.lti_keys import make_first
from passback.store import connections as stored_connections
from passback.store import lti_invitations
from passback.store.lti_invitations import Invitation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from passback.context import Gateway
    from passback.domain.clock import Clock
    from passback.store.engine.database import Connection, Database
    from passback.store.engine.vault import Vault

__all__ = [
    "KIND", "REGISTER", "add_deployment", "addresses", "defaults", "invite", "only_district", "register",
    "require_free",
]  # fmt: skip

REGISTER = "/lti/register"
LINK_LASTS = 7 * DAY
"""How many milliseconds an administrator has to open a registration link."""

TOOL_NAME = "Passback"


class ToolAddresses(Struct, frozen=True):
    """What an administrator enters in an LMS to register the gateway by hand."""

    login: str
    launch: str
    keys: str


def addresses(base_url: str) -> ToolAddresses:
    """The gateway's own addresses; `base_url` is where LMSs and browsers reach it."""
    return ToolAddresses(f"{base_url}/lti/login", f"{base_url}/lti/launch", f"{base_url}/lti/jwks.json")


def defaults(family: str, address: str) -> dict[str, str]:
    """The settings of a connection that follow from the LMS's family and address (which ends with a slash)."""
    site = address.removesuffix("/")
    match family:
        case "moodle":
            return _urls(
                site, f"{site}/mod/lti/auth.php", f"{site}/mod/lti/token.php", f"{site}/mod/lti/certs.php"
            )
        case "canvas":
            sso = "https://sso.canvaslms.com"
            return _urls(
                "https://canvas.instructure.com",
                f"{sso}/api/lti/authorize_redirect",
                f"{sso}/login/oauth2/token",
                f"{sso}/api/lti/security/jwks",
            )
        case "brightspace":
            found = _urls(
                site,
                f"{site}/d2l/lti/authenticate",
                "https://auth.brightspace.com/core/connect/token",
                f"{site}/d2l/.well-known/jwks",
            )
            return found | {"token_audience": "https://api.brightspace.com/auth/token"}
        case "schoology":
            service = "https://lti-service.svc.schoology.com/lti-service"
            return _urls(
                "https://schoology.schoology.com",
                f"{service}/authorize-redirect",
                f"{service}/access-token",
                f"{service}/.well-known/jwks",
            )
        case "blackboard":
            developer = "https://developer.blackboard.com/api/v1/gateway"
            found = _urls(
                "https://blackboard.com", f"{developer}/oidcauth", f"{developer}/oauth2/jwttoken", ""
            )
            del found["jwks_url"]  # it has the application's id in it
            return found
        case _:
            return {}


def _urls(issuer: str, auth_login_url: str, token_url: str, jwks_url: str) -> dict[str, str]:
    return {
        "issuer": issuer,
        "auth_login_url": auth_login_url,
        "token_url": token_url,
        "jwks_url": jwks_url,
    }


async def invite(
    database: Database,
    vault: Vault,
    clock: Clock,
    base_url: str,
    *,
    family: str,
    address: str,
    district_id: str | None = None,
    name: str = "",
    actor: str = "",
) -> str:
    """Make a link that an administrator of the LMS opens there to connect a district, or with a `name` a new one.

    Raises `NotFound` and `VaultError`.
    """
    await make_first(database, vault, clock)
    code = secrets.token_urlsafe(32)

    def keep(conn: Connection) -> None:
        if district_id is not None:
            districts.required(conn, district_id)
        invitation = Invitation(district_id, name, family, address, clock() + LINK_LASTS)
        lti_invitations.add(conn, code, invitation)
        audit.record(
            conn, "lti_link.made", district_id or "", district_id or "", f"{family} at {address}", actor=actor
        )

    await database.write(keep)
    return f"{base_url}{REGISTER}?{urlencode({'code': code})}"


async def register(gateway: Gateway, base_url: str, given: Mapping[str, str]) -> Connected:
    """Register the gateway in the LMS that opened a link, and connect the link's district to it. Raises `Refused`."""
    code, now = given.get("code", ""), gateway.clock()
    invitation = await gateway.database.read(lambda conn: lti_invitations.find(conn, code, now))
    if invitation is None:
        raise Refused(
            "This link is not valid, was used before, or is too old. Whoever runs this gateway makes another one.",
            status=404,
        )
    configuration = given.get("openid_configuration", "")
    if not configuration:
        raise Refused("Open this link where the LMS registers tools: it lacks what the LMS adds to it.")
    platform = await dynamic_registration.describe(configuration, invitation.address, invitation.family)
    client_id, deployment_id = await dynamic_registration.register(
        platform, given.get("registration_token"), base_url, TOOL_NAME
    )
    settings = {
        "family": invitation.family,
        "issuer": platform.issuer,
        "client_id": client_id,
        "auth_login_url": platform.authorization_endpoint,
        "token_url": platform.token_endpoint,
        "token_audience": platform.authorization_server or "",
        "jwks_url": platform.jwks_uri,
        "deployment_ids": deployment_id or "",
    }
    wanted = NewConnection(
        lms_settings.kind(KIND), invitation.address, {name: it for name, it in settings.items() if it}
    )

    def take(conn: Connection, district_id: str) -> None:
        require_free(conn, Reached(district_id, invitation.address, settings))
        if not lti_invitations.remove(conn, code):
            raise Refused("This link was used in the meantime.", status=409)

    try:
        return await connections.connect(
            gateway.database,
            gateway.vault,
            wanted,
            gateway.clock,
            district_id=invitation.district_id,
            name=invitation.name,
            also=take,
            actor="registration link",
        )
    except OperationError as error:
        raise Refused(f"The district cannot be connected to this LMS: {error}.", status=409) from None


def only_district(wanted: NewConnection) -> Callable[[Connection, str], None]:
    """What refuses a connection by LTI to a deployment that is another district's; see `connections.connect`."""

    def check(conn: Connection, district_id: str) -> None:
        if wanted.kind.capabilities.kind == KIND:
            require_free(conn, Reached(district_id, wanted.address, wanted.given))

    return check


def require_free(conn: Connection, wanted: Reached) -> None:
    """Raise `OperationError` if a connection would be in the way of another district's at the same client.

    One is if it has one of the deployments. And if it gave other addresses: whoever is asked who comes, and whose keys
    are believed, could speak for the other district's people.
    """
    mine = registration(wanted)
    stored = (
        Reached(it.district_id, it.address, it.options) for it in stored_connections.of_kind(conn, KIND)
    )
    for other in at_issuer(stored, mine.issuer):
        if other.district_id == mine.district_id or other.client_id != mine.client_id:
            continue
        if taken := mine.deployment_ids & other.deployment_ids:
            raise OperationError(
                f"district {other.district_id} is connected to deployment {min(taken)} of that LMS already"
            )
        for name in ("auth_login_url", "jwks_url"):
            if getattr(mine, name) != getattr(other, name):
                raise OperationError(
                    f"district {other.district_id} is connected to the same LMS with another {name}"
                )


async def add_deployment(
    database: Database, vault: Vault, clock: Clock, district_id: str, deployment_id: str
) -> None:
    """Let launches of one more deployment of the LMS be the district's.

    Raises `NotFound`, `VaultError`, and `OperationError` if it has no connection by LTI, or the deployment is another
    district's.
    """
    if not deployment_id or not deployment_id.isprintable() or set(deployment_id) & set(" ,"):
        raise OperationError(f"{deployment_id!r} is not the id of a deployment")

    def change(conn: Connection) -> None:
        district = districts.required(conn, district_id)
        stored_connections.lock(conn, district.id)
        stored = stored_connections.find(conn, district.id)
        if stored is None or district.lms_type != KIND:
            raise OperationError(f"district {district.id} has no connection by LTI")
        known = stored.options.get("deployment_ids", "").replace(",", " ").split()
        options = {**stored.options, "deployment_ids": ",".join(dict.fromkeys([*known, deployment_id]))}
        require_free(conn, Reached(district.id, stored.address, options))
        credentials = stored_connections.unseal(vault, stored) | {"deployment_ids": options["deployment_ids"]}
        stored_connections.save(
            conn,
            district.id,
            address=stored.address,
            options=options,
            credentials=stored_connections.seal(vault, district.id, credentials),
            now=clock(),
        )
        audit.record(conn, "connection.deployment_added", district.id, district.id, deployment_id)

    await database.write(change)
