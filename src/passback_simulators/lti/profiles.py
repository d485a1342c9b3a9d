"""How the LMSs that offer LTI Advantage differ: their addresses, and what they make of scores.

What is noted as unverified is the standard's word, or the mildest reading of it.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Dialect = Literal["moodle", "canvas", "text", "django", "plain"]
"""How an LMS refuses something."""


class Profile(Struct, frozen=True):
    """One family of LMSs. In the paths, ``{course}`` and ``{item}`` stand for ids."""

    family: str
    name: str
    grants: str
    """Where tokens are issued."""
    items: str
    item: str
    memberships: str
    authorize: str = "/authorize"
    """Where tools ask who comes."""
    keys: str = "/jwks"
    """Where the keys are published that launches are signed with."""
    configuration: str = "/.well-known/openid-configuration"
    registration: str = "/register"
    query: str = ""
    """What every address of the services has behind the question mark."""
    dialect: Dialect = "plain"
    strict_types: bool = False
    """Whether media types are compared letter by letter."""
    bearer: str = "Bearer"
    """How it writes the type of its tokens."""
    grants_type: str = "application/json"
    """The media type that tokens come as."""
    page: int = 0
    """How many items a page has if nobody asks for fewer; 0 for all of them."""
    longest_page: int = 1000
    all_scopes: bool = False
    """Whether a token is issued for all scopes that are asked for, or none."""
    broken_links: bool = False
    """Whether the ``Link`` of line items has typographic quotes and escaped addresses, as Moodle's."""
    results_paged: bool = True
    """Whether results can be asked for in pages; if not, asking for them ends in a page of HTML."""
    filtered_comment: bool = True
    """Whether a filtered result still has its comment."""
    shows_comments: bool = True
    lists_ungraded: bool = False
    """Whether results have those who have no grade."""
    stale_status: int = 409
    """What a score gets that is not newer than what is there."""
    accepts_equal: bool = False
    whole_seconds: bool = False
    score_status: int = 200
    comments: Literal["replaced", "added", "kept"] = "replaced"
    """What becomes of the comment that is there when a score comes without one, or with another."""
    caps: bool = False
    """Whether more than the maximum becomes the maximum."""
    progress_erases: bool = False
    """Whether a score that is not fully graded takes the grade away."""
    rescales: bool = False
    """Whether a changed maximum rescales the grades."""
    keeps_dates: bool = True
    own_items_published: bool = True
    """Whether a line item of the tool's own reaches the gradebook."""
    short_roles: bool = False
    only_active: bool = False
    """Whether the class list leaves out members who are not active."""
    numeric_users: bool = False


MOODLE = Profile(
    "moodle", "Moodle",
    grants="/mod/lti/token.php",
    items="/mod/lti/services.php/{course}/lineitems",
    item="/mod/lti/services.php/{course}/lineitems/{item}/lineitem",
    memberships="/mod/lti/services.php/CourseSection/{course}/bindings/3/memberships",
    authorize="/mod/lti/auth.php", keys="/mod/lti/certs.php", configuration="/mod/lti/openid-configuration.php",
    registration="/mod/lti/openid-registration.php",
    query="type_id=3", dialect="moodle", strict_types=True, grants_type="text/html; charset=utf-8",
    broken_links=True, results_paged=False, lists_ungraded=True, whole_seconds=True, caps=True, progress_erases=True,
    rescales=True, keeps_dates=False, short_roles=True, only_active=True, numeric_users=True,
)  # fmt: skip
CANVAS = Profile(
    "canvas", "Canvas",
    grants="/login/oauth2/token",
    items="/api/lti/courses/{course}/line_items",
    item="/api/lti/courses/{course}/line_items/{item}",
    memberships="/api/lti/courses/{course}/names_and_roles",
    authorize="/api/lti/authorize_redirect", keys="/api/lti/security/jwks",
    configuration="/api/lti/security/openid-configuration", registration="/api/lti/registrations",
    dialect="canvas", all_scopes=True, page=10, longest_page=100, shows_comments=False, stale_status=400,
    accepts_equal=True, comments="added", progress_erases=True,
)  # fmt: skip
OPENEDX = Profile(
    "openedx", "Open edX",
    grants="/api/lti_consumer/v1/token/7",
    items="/api/lti_consumer/v1/lti/{course}/lti-ags",
    item="/api/lti_consumer/v1/lti/{course}/lti-ags/{item}",
    memberships="/api/lti_consumer/v1/lti/{course}/memberships",
    dialect="django", bearer="bearer", stale_status=400, comments="kept", own_items_published=False,
    only_active=True,
)  # fmt: skip
BRIGHTSPACE = Profile(
    "brightspace", "Brightspace",
    grants="/core/connect/token",
    items="/d2l/api/lti/ags/2.0/deployment/3/orgunits/{course}/lineitems",
    item="/d2l/api/lti/ags/2.0/deployment/3/orgunits/{course}/lineitems/{item}",
    memberships="/d2l/api/lti/nrps/2.0/deployment/3/orgunits/{course}/memberships",
    dialect="text", page=200, longest_page=200, caps=True,
)  # fmt: skip
BLACKBOARD = Profile(
    "blackboard", "Blackboard",
    grants="/api/v1/gateway/oauth2/jwttoken",
    items="/learn/api/v1/lti/courses/{course}/lineItems",
    item="/learn/api/v1/lti/courses/{course}/lineItems/{item}",
    memberships="/learn/api/v1/lti/external/namesandroles/{course}",
    page=100, filtered_comment=False,
)  # fmt: skip
SAKAI = Profile(
    "sakai", "Sakai",
    grants="/imsblis/lti13/token/3",
    items="/imsblis/lti13/lineitems/{course}",
    item="/imsblis/lti13/lineitem/{course}/{item}",
    memberships="/imsblis/lti13/namesandroles/{course}",
)  # fmt: skip
SCHOOLOGY = Profile(
    "schoology", "Schoology",
    grants="/lti-service/access-token",
    items="/lti-service/tool/3/services/ags/{course}/lineitems",
    item="/lti-service/tool/3/services/ags/{course}/lineitems/{item}",
    memberships="/lti-service/tool/3/services/names-roles/v2p0/membership/{course}",
)  # fmt: skip
OTHER = Profile(
    "other", "LMS",
    grants="/token",
    items="/context/{course}/lineitems",
    item="/context/{course}/lineitems/{item}",
    memberships="/context/{course}/memberships",
    score_status=204,
)  # fmt: skip

PROFILES = {
    it.family: it for it in (MOODLE, CANVAS, BRIGHTSPACE, BLACKBOARD, SAKAI, OPENEDX, SCHOOLOGY, OTHER)
}
