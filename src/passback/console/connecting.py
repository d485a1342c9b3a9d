"""Connect our LMS: choose its kind, see what to make there, enter what it gave or sign in, and have it checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from passback.console import once
from passback.console.guides import GUIDES, Guide
from passback.console.render import page
from passback.console.routing import Shown
from passback.console.visit import ROOT, NotHere, redirect
from passback.lms.interface import Finding, LmsError
from passback.lms.registry import BUILTIN, kinds
from passback.operations import connections, districts, lms_settings, lti, probe, rosters, syncs
from passback.operations.errors import OperationError, VaultError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

    from passback.console.visit import Visit
    from passback.lms.interface import ConnectorKind

CALLBACK = "/connect/callback"
_ONWARD = "/connect/onward"
_COOKIE = "passback-connect"
_SEALED_FOR = "console sign-in"
_SECONDS_TO_SIGN_IN = 600
_SECTIONS = 200
"""How many sections are offered for a probe."""


class _Begun(Struct, frozen=True):
    """What is remembered while somebody signs in at the LMS; the browser keeps it, and cannot read it."""

    url: str
    """Where to sign in."""
    kind: str
    address: str
    given: dict[str, str]
    begun: dict[str, str]
    district_id: str | None
    name: str


class Probed(Struct, frozen=True):
    """What came of a probe."""

    findings: Sequence[Finding]


async def choose(visit: Visit) -> Response:
    """The kinds of LMS."""
    found = [(it, lms_settings.kind(it).capabilities.name) for it in kinds()]
    return page(visit, "connect.html", kinds=found, district_id=visit.asked("district"))


async def show(visit: Visit) -> Response:
    """What to make in an LMS of a kind, and what to enter."""
    return await _form(visit, _kind(visit))


async def use_builtin(visit: Visit) -> Response:
    """Create a district whose gradebook is Passback's own."""
    if visit.account.district_id is not None:
        raise NotHere
    name = districts.require_name(visit.sent("name"))
    gateway = visit.gateway
    made = await connections.create_with_gradebook(gateway.database, name, gateway.clock, actor=visit.actor)
    return redirect(f"/districts/{made}/roster")


async def take(visit: Visit) -> Response:
    """Check what was entered in the LMS, and connect; or have somebody sign in there first."""
    kind = _kind(visit)
    try:
        address, given = _entered(visit, kind)
        district_id, name = await _district(visit)
        if visit.sent("do") == "link" and kind.capabilities.kind == lti.KIND:
            link = await _link(visit, address, given, district_id, name)
            return once.lead_to(visit, f"/connect/{kind.capabilities.kind}", once.Secret(name, link))
        if visit.sent("do") == "sign-in":
            return await _begin_sign_in(visit, kind, address, given, district_id, name)
        _require_all(kind, given)
        return await _connect(visit, kind, address, given, district_id, name)
    except (OperationError, VaultError, LmsError) as error:
        return await _form(visit, kind, str(error))


async def lead_on(visit: Visit) -> Response:
    """Send the browser on to the LMS: from a page, because no form may lead to another site (`form-action`)."""
    begun = _begun(visit)
    name = lms_settings.kind(begun.kind).capabilities.name
    response = page(visit, "connect_onward.html", name=name, url=begun.url)
    response.headers["refresh"] = f"0; url={begun.url}"
    return response


async def come_back(visit: Visit) -> Response:
    """Connect with what a sign-in at the LMS has given."""
    begun = _begun(visit)
    query = dict(visit.request.query_params)
    if begun.district_id is not None:
        visit.require_district(begun.district_id)
    kind = lms_settings.kind(begun.kind)
    assert kind.sign_in is not None
    try:
        fresh = await kind.sign_in.finish(begun.address, begun.given, _callback(visit), begun.begun, query)
        given = {**begun.given, **fresh}
        response = await _connect(visit, kind, begun.address, given, begun.district_id, begun.name)
    except LmsError as error:
        raise OperationError(f"the sign-in failed: {error}") from None
    response.delete_cookie(_COOKIE, path=ROOT + "/connect")
    return response


def _begun(visit: Visit) -> _Begun:
    """What somebody has begun who is to sign in at the LMS. Raises `OperationError`."""
    try:
        sealed = visit.gateway.vault.decrypt(visit.request.cookies.get(_COOKIE, ""), _SEALED_FOR)
        return msgspec.json.decode(sealed, type=_Begun)
    except (VaultError, ValueError, msgspec.MsgspecError):
        raise OperationError(
            "the sign-in was begun too long ago, or in another browser: begin again"
        ) from None


async def show_connection(visit: Visit) -> Response:
    """A district's connection, and how far the reading of its LMS is."""
    return await _connection_page(visit)


async def change_connection(visit: Visit) -> Response:
    """Check a connection, request a sync, or remove the connection."""
    gateway, district_id = visit.gateway, visit.district_id
    match visit.sent("do"):
        case "check":
            return await _connection_page(visit, await connections.check(gateway, district_id))
        case "probe":
            found = await probe.run(gateway, district_id, visit.sent("section"), actor=visit.actor)
            return once.lead_to(
                visit, f"/districts/{district_id}/connection", Probed([_shortened(it) for it in found])
            )
        case "sync":
            await syncs.request(gateway.database, district_id, gateway.clock, actor=visit.actor)
        case "remove":
            await connections.remove(gateway.database, district_id, actor=visit.actor)
        case _:
            raise OperationError("choose what to do with the connection")
    return redirect(f"/districts/{district_id}/connection")


def _shortened(finding: Finding) -> Finding:
    return msgspec.structs.replace(finding, remedy=once.shortened(finding.remedy))


async def _connection_page(visit: Visit, findings: Sequence[Finding] | None = None) -> Response:
    gateway, district_id = visit.gateway, visit.district_id
    [status] = await syncs.status(gateway.database, district_id)
    [has] = await rosters.status(gateway.database, district_id)
    problem, summary = "", None
    try:
        summary = await connections.show(gateway.database, gateway.vault, district_id)
    except VaultError as error:
        problem = str(error)
    except OperationError:
        pass  # it has none
    now = gateway.clock()
    return page(
        visit,
        "connection.html",
        district=status.district,
        connection=summary,
        problem=problem,
        findings=findings,
        probed=once.shown(visit, Probed),
        sections=await probe.sections(gateway, district_id, _SECTIONS),
        progress=status,
        lacks_roster=not (has.from_lms or has.sizes.get("sections")),
        is_running=status.sync is not None and syncs.is_running(status.sync, now),
    )


async def _connect(
    visit: Visit,
    kind: ConnectorKind,
    address: str,
    given: Mapping[str, str],
    district_id: str | None,
    name: str,
) -> Response:
    gateway = visit.gateway
    wanted = connections.NewConnection(kind, address, given, same_lms=visit.sent("same_lms") == "yes")
    findings, wanted = await connections.try_out(
        gateway.database, gateway.vault, wanted, gateway.clock, district_id=district_id
    )
    if not connections.works(findings):
        return await _form(visit, kind, "It does not work yet, so nothing has been changed", findings)
    connected = await connections.connect(
        gateway.database,
        gateway.vault,
        wanted,
        gateway.clock,
        district_id=district_id,
        name=name,
        also=lti.only_district(wanted),
        actor=visit.actor,
    )
    return redirect(f"/districts/{connected.district_id}/connection")


async def _begin_sign_in(
    visit: Visit,
    kind: ConnectorKind,
    address: str,
    given: dict[str, str],
    district_id: str | None,
    name: str,
) -> Response:
    if kind.sign_in is None:
        raise OperationError(
            f"nobody can sign in to {kind.capabilities.name} from here: enter its credentials"
        )
    if missing := lms_settings.missing(kind, given, signing_in=True):
        raise OperationError(f"these are still missing: {', '.join(it.name for it in missing)}")
    url, begun = await kind.sign_in.begin(address, given, _callback(visit))
    kept = _Begun(url, kind.capabilities.kind, address, given, dict(begun), district_id, name)
    sealed = visit.gateway.vault.encrypt(msgspec.json.encode(kept), _SEALED_FOR)
    response = redirect(_ONWARD)
    response.set_cookie(
        _COOKIE,
        sealed,
        max_age=_SECONDS_TO_SIGN_IN,
        path=ROOT + "/connect",
        secure=visit.console.is_secure,
        httponly=True,
        samesite="lax",
    )
    return response


def _callback(visit: Visit) -> str:
    return visit.gateway.base_url + ROOT + CALLBACK


def _entered(visit: Visit, kind: ConnectorKind) -> tuple[str, dict[str, str]]:
    """The address and the settings that were entered. Raises `OperationError`."""
    address = lms_settings.base_address(kind, visit.sent("address") or kind.address.default or "")
    given = {}
    for it in kind.settings:
        if value := visit.sent(f"setting-{it.name}"):
            lms_settings.check_value(it, value)
            given[it.name] = value
    if kind.capabilities.kind == lti.KIND and "family" in given:
        given = {**lti.defaults(given["family"], address), **given}
    return address, given


def _require_all(kind: ConnectorKind, given: Mapping[str, str]) -> None:
    """Raise `OperationError` if something is missing."""
    if missing := lms_settings.missing(kind, given, signing_in=False):
        raise OperationError(f"these are still missing: {', '.join(it.name for it in missing)}")
    if lms_settings.lacks_alternative(kind, given):
        raise OperationError(f"give one of {', '.join(kind.one_of)}, or sign in")


async def _district(visit: Visit) -> tuple[str | None, str]:
    """The district that is to be connected, or the name of a new one. Raises `OperationError` and `NotHere`."""
    own = visit.account.district_id
    chosen = own or visit.sent("district")
    if chosen:
        visit.require_district(chosen)
        return (await districts.find(visit.gateway.database, chosen)).id, ""
    return None, districts.require_name(visit.sent("name"))


async def _link(
    visit: Visit, address: str, given: Mapping[str, str], district_id: str | None, name: str
) -> str:
    """A link that registers Passback where the LMS's administrator opens it. Raises `OperationError`."""
    if "family" not in given:
        raise OperationError("choose the family: what the LMS is")
    gateway = visit.gateway
    return await lti.invite(
        gateway.database,
        gateway.vault,
        gateway.clock,
        gateway.base_url,
        family=given["family"],
        address=address,
        district_id=district_id,
        name=name,
        actor=visit.actor,
    )


async def _form(
    visit: Visit,
    kind: ConnectorKind,
    problem: str = "",
    findings: Sequence[Finding] = (),
) -> Response:
    all_districts = await districts.list_all(visit.gateway.database)
    seen = [it.district for it in all_districts if visit.account.sees(it.district.id)]
    name = kind.capabilities.kind
    return page(
        visit,
        "connect_kind.html",
        status=422 if problem else 200,
        kind=kind,
        guide=GUIDES.get(name, Guide()),
        callback=_callback(visit),
        lti=lti.addresses(visit.gateway.base_url) if name == lti.KIND else None,
        districts=[it for it in seen if it.lms_type != BUILTIN],
        chosen=visit.asked("district") or visit.sent("district"),
        # Credentials that were entered are never sent back to the browser.
        entered={it.name: visit.sent(f"setting-{it.name}") for it in kind.settings if not it.secret},
        address=visit.sent("address") or kind.address.default or "",
        new_name=visit.sent("name"),
        problem=problem,
        findings=findings,
        link=once.shown(visit, once.Secret),
    )


def _kind(visit: Visit) -> ConnectorKind:
    """The kind of the page's address. Raises `NotHere`."""
    name = visit.of_path("kind")
    if name not in kinds():
        raise NotHere
    return lms_settings.kind(name)


PAGES = (
    Shown("/connect", "connect", choose),
    Shown(CALLBACK, "connect", come_back),
    Shown(_ONWARD, "connect", lead_on),
    Shown("/connect/builtin", "connect", use_builtin, "POST"),
    Shown("/connect/{kind}", "connect", show),
    Shown("/connect/{kind}", "connect", take, "POST"),
    Shown("/districts/{district_id}/connection", "connect", show_connection),
    Shown("/districts/{district_id}/connection", "connect", change_connection, "POST"),
)
