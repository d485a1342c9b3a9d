"""The second half of a launch: the LMS has said who comes, and the person goes on to the application.

What a launch tells of a course is kept in the notes of the district's connection, under ``context/`` and the course's
id in the LMS: for most LMSs it is the only way to learn where they take grades.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

from msgspec import Struct
from uuid_utils import uuid7

from passback.domain.clock import HOUR, MINUTE
from passback.domain.lti_roles import role_in_course
from passback.lms.lti.map_assignments import id_from
from passback.lti.id_token import Expected, deployment_of, verified
from passback.lti.refused import Refused
from passback.lti.registrations import find_all
from passback.network import web_address
from passback.store import assignments, deep_links, launches, looks, notes, tokens
from passback.store.launches import Launch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passback.context import Gateway
    from passback.domain.clock import Instant
    from passback.lti.id_token import DeepLinking, IdToken
    from passback.lti.login import State
    from passback.lti.platform_keys import PlatformKeys
    from passback.lti.registrations import Registration
    from passback.store.engine.database import Connection
    from passback.store.launches import LaunchAddress

CODE_LASTS = 2 * MINUTE
"""How many milliseconds an application has to exchange the code of a launch."""

CHOOSING_LASTS = HOUR
"""How many milliseconds a teacher has to choose an activity."""

_LINK = "LtiResourceLinkRequest"
_CHOOSING = "LtiDeepLinkingRequest"
_REVIEW = "LtiSubmissionReviewRequest"
_RESOURCE_LINK = "ltiResourceLink"
_MOST_MEMBERSHIPS = 20
"""How many addresses of a course's members are remembered."""
_MOST_LINKS = 1000
"""How many links of a course are remembered."""


class Onward(Struct, frozen=True):
    """Where a person goes on to."""

    url: str

    def __repr__(self) -> str:
        return "Onward()"  # the code is in it


async def take(gateway: Gateway, keys: PlatformKeys, state: State, token: str) -> Onward:
    """Verify a launch and send the person on to the application. Each can be taken once. Raises `Refused`."""
    known = await gateway.database.read(lambda conn: find_all(gateway.connectors, conn, state.issuer))
    registrations = [it for it in known if it.client_id == state.client_id]
    if not registrations:
        raise Refused("The connection to this LMS has been removed.", status=404, why="unknown")
    now = gateway.clock()
    # What is not verified yet only chooses by whose keys it is: of several districts' LMSs, each has its own.
    claimed = deployment_of(token)
    own = [it for it in registrations if claimed in it.deployment_ids] or registrations
    expected = Expected(state.issuer, state.client_id, state.nonce, own[0].jwks_url)
    said = await verified(token, expected, keys, now)
    choosing = _choosing(said)
    registration = _of_deployment(registrations, said.deployment_id)
    code = secrets.token_urlsafe(32)

    def keep(conn: Connection) -> Onward:
        if not launches.use_nonce(conn, state.nonce, state.expires):
            raise Refused("This launch was used before. Open the activity in the LMS again.", why="untrusted")
        address = _address(conn, registration.district_id, said, now)
        _remember(conn, registration.district_id, said)
        launches.add(
            conn,
            code,
            _launch(conn, registration, said, now),
            district_id=registration.district_id,
            application=address.application,
            expires=now + CODE_LASTS,
        )
        if choosing is not None:
            deep_links.add(
                conn,
                code,
                _request(state, said, choosing),
                district_id=registration.district_id,
                application=address.application,
                expires=now + CHOOSING_LASTS,
            )
        return Onward(web_address.with_query(address.url, urlencode({"code": code})))

    return await gateway.database.write(keep)


def _choosing(said: IdToken) -> DeepLinking | None:
    """What the LMS wants to know, if a teacher is to choose an activity. Raises `Refused` if it wants another thing."""
    if said.message_type == _LINK:
        return None
    if said.message_type == _REVIEW:
        if said.for_user is None or not (said.line_items and said.line_items.lineitem):
            raise Refused("The LMS does not say whose work on which assignment is to be reviewed.")
        return None
    if said.message_type != _CHOOSING or said.deep_linking is None:
        raise Refused(f"The LMS asks for something that is not offered here ({said.message_type[:100]}).")
    if _RESOURCE_LINK not in (said.deep_linking.accept_types or (_RESOURCE_LINK,)):
        raise Refused("The LMS does not take links to activities here.")
    if (reason := web_address.problem(said.deep_linking.deep_link_return_url)) is not None:
        raise Refused(f"The LMS gives an address to return to that cannot be used: {reason}.")
    return said.deep_linking


def _request(state: State, said: IdToken, choosing: DeepLinking) -> deep_links.Request:
    return deep_links.Request(
        issuer=state.issuer,
        client_id=state.client_id,
        deployment_id=said.deployment_id,
        lms_section_id=None if said.context is None else said.context.id,
        return_url=choosing.deep_link_return_url,
        data=choosing.data,
        takes_columns=choosing.accept_lineitem is not False,
        takes_several=choosing.accept_multiple is True,
    )


def _of_deployment(registrations: list[Registration], deployment_id: str) -> Registration:
    found = [it for it in registrations if deployment_id in it.deployment_ids]
    if len(found) == 1:
        return found[0]
    if found:
        raise Refused(
            "Several districts are connected to this deployment of the LMS, so it is not clear which is meant.",
            why="unknown",
        )
    raise Refused(
        f"The LMS starts this from a deployment that is not known here ({deployment_id[:100]}). Whoever runs this"
        " gateway adds it to the connection.",
        status=403,
        why="unknown",
    )


def _address(conn: Connection, district_id: str, said: IdToken, now: Instant) -> LaunchAddress:
    """The launch address of the application that is meant. Raises `Refused`."""
    able = [
        it
        for it in launches.addresses(conn, district_id)
        if tokens.has_active(conn, district_id, it.application, now)
    ]
    named = _named_application(said)
    if named is not None:
        able = [it for it in able if it.application == named]
    if len(able) == 1:
        return able[0]
    if able:
        raise Refused(
            "Several applications can be started here, and the link does not say which one: add"
            " ?application= and its name to the link's address.",
            why="unknown",
        )
    raise Refused(
        f"No application {'of that name ' if named is not None else ''}has registered an address to be started at.",
        status=404,
        why="unknown",
    )


def _named_application(said: IdToken) -> str | None:
    """The application that a link names, in its address or in its own parameters."""
    try:
        in_address = parse_qs(urlsplit(said.target_link_uri or "").query, max_num_fields=100).get(
            "application"
        )
    except ValueError:
        in_address = None
    if in_address:
        return in_address[0]
    in_custom = (said.custom or {}).get("application")
    return in_custom if isinstance(in_custom, str) and in_custom else None


def _launch(conn: Connection, registration: Registration, said: IdToken, now: Instant) -> Launch:
    context, link, district_id = said.context, said.resource_link, registration.district_id
    section_id = None if context is None else launches.section_of(conn, district_id, context.id)
    role = role_in_course(said.roles)
    for_user = said.for_user.user_id if said.message_type == _REVIEW and said.for_user is not None else None
    user_id = None
    if said.sub is not None and role in ("teacher", "student"):
        user_id = launches.user_of(conn, district_id, said.sub, "teacher" if role == "teacher" else "student")
    return Launch(
        launched=now,
        lms_section_id=None if context is None else context.id,
        lms_user_id=said.sub,
        section_id=section_id,
        user_id=user_id,
        assignment_id=_assignment(conn, registration, section_id, said, now),
        role=role,
        link_id=None if link is None else link.id,
        link_title=None if link is None else link.title,
        target=said.target_link_uri,
        custom={name: value for name, value in (said.custom or {}).items() if name != deep_links.CHOSEN},
        is_choosing=said.message_type == _CHOOSING,
        is_choosing_several=bool(said.deep_linking and said.deep_linking.accept_multiple),
        lms_for_user_id=for_user,
        for_user_id=None if for_user is None else launches.user_of(conn, district_id, for_user, "student"),
    )


def _assignment(
    conn: Connection, registration: Registration, section_id: str | None, said: IdToken, now: Instant
) -> str | None:
    """Our assignment that was opened: the one whose line item is the link's own, or is to be reviewed.

    Somebody may have put the link there in the LMS. Then it becomes an assignment of ours with its first launch. Some
    LMSs show a link the line item of another one; what is done there is no work on that one's assignment.
    """
    line_item = said.line_items.lineitem if said.line_items is not None else None
    if section_id is None or said.context is None or said.message_type == _CHOOSING or not line_item:
        return None
    if said.message_type == _LINK and _is_of_another_link(conn, registration.district_id, said, line_item):
        return None
    lms_id = id_from(line_item, registration.address)
    known = assignments.find_by_lms_id(conn, section_id, lms_id)
    if known is not None:
        return None if known[1] else known[0]
    if said.message_type != _LINK:
        return None
    assignment_id = _chosen(conn, registration.district_id, said.context.id, said) or str(uuid7())
    assignments.add(
        conn,
        assignment_id=assignment_id,
        section_id=section_id,
        lms_id=lms_id,
        lms_section_id=said.context.id,
    )
    looks.schedule(conn, section_id, now + looks.EVERY)
    return assignment_id


def _is_of_another_link(conn: Connection, district_id: str, said: IdToken, line_item: str) -> bool:
    assert said.context is not None
    key = f"context/{said.context.id}"
    links = notes.find(conn, district_id, [key]).get(key, {}).get("resource_links", {})
    return said.resource_link is not None and _has_another(links, said.resource_link.id, line_item)


def _has_another(links: Mapping[str, Any], link_id: str, line_item: str) -> bool:
    return any(it.get("lineitem") == line_item for other, it in links.items() if other != link_id)


def _chosen(conn: Connection, district_id: str, lms_section_id: str, said: IdToken) -> str | None:
    """The id that the assignment was given when a teacher chose the activity in this course."""
    named = (said.custom or {}).get(deep_links.CHOSEN)
    if not isinstance(named, str) or "\0" in named:
        return None
    return named if deep_links.take_chosen(conn, named, district_id, lms_section_id) else None


def _remember(conn: Connection, district_id: str, said: IdToken) -> None:
    """Keep what the launch tells of the course."""
    if said.context is None or (said.line_items is None and said.class_list is None):
        return
    conn.lock(f"notes/{district_id}/{said.context.id}")
    key = f"context/{said.context.id}"
    before: Mapping[str, Any] = notes.find(conn, district_id, [key]).get(key, {})
    after = {**before, **_course(said), "resource_links": _links(before.get("resource_links", {}), said)}
    after |= _older_memberships(before, after)
    if after != before:
        notes.save(conn, district_id, {key: after})


def _course(said: IdToken) -> dict[str, Any]:
    """What a launch tells of the course; what it does not tell is left as it was."""
    assert said.context is not None
    grades, people = said.line_items, said.class_list
    told = {
        "title": said.context.title,
        "label": said.context.label,
        "sourcedid": None if said.lis is None else said.lis.course_section_sourcedid,
        "deployment_id": said.deployment_id,
        "lineitems": None if grades is None else grades.lineitems,
        "scopes": None if grades is None or grades.scope is None else sorted(grades.scope),
        "memberships_url": None if people is None else people.context_memberships_url,
    }
    return {name: value for name, value in told.items() if value}


def _older_memberships(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The addresses of the course's members that earlier launches told: of other activities, in some LMSs."""
    newest, known = (
        after.get("memberships_url"),
        [before.get("memberships_url"), *before.get("older_memberships", ())],
    )
    older = list(dict.fromkeys(it for it in known if it and it != newest))[:_MOST_MEMBERSHIPS]
    return {"older_memberships": older} if older or "older_memberships" in before else {}


def _links(before: Mapping[str, Any], said: IdToken) -> dict[str, Any]:
    """The links of a course, with the one that was opened: the newest last."""
    links = dict(before)
    if said.resource_link is not None:
        link: dict[str, Any] = dict(links.pop(said.resource_link.id, {}))
        if said.resource_link.title:
            link["title"] = said.resource_link.title
        line_item = said.line_items.lineitem if said.line_items is not None else None
        if (
            said.message_type == _LINK
            and line_item
            and not _has_another(links, said.resource_link.id, line_item)
        ):
            link["lineitem"] = line_item
        links[said.resource_link.id] = link
    return dict(list(links.items())[-_MOST_LINKS:])
