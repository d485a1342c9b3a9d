"""Which apps have access? Tokens: created (and shown once), rotated with an overlap, revoked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wtforms import IntegerField, StringField
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from passback.console.forms import Form, form_of
from passback.console.render import page
from passback.console.routing import Shown
from passback.console.visit import NotHere, redirect
from passback.domain.clock import DAY, HOUR
from passback.operations import districts, tokens

if TYPE_CHECKING:
    from starlette.responses import Response

    from passback.console.visit import Visit
    from passback.operations.tokens import Token

_OVERLAP = 24 * HOUR
_LONGEST = 3650


class NewToken(Form):
    """A token to be created."""

    application = StringField("App", [InputRequired(), Length(max=200)])
    days = IntegerField("Valid for days (empty: until it is revoked)", [Optional(), NumberRange(1, _LONGEST)])


async def show(visit: Visit) -> Response:
    """The tokens of a district."""
    return await _page(visit, form_of(NewToken, visit.console, visit.session))


async def create(visit: Visit) -> Response:
    """Create a token, and show it this once."""
    form = form_of(NewToken, visit.console, visit.session, visit.form)
    if not form.validate():
        return await _page(visit, form, status=422)
    days = form.data["days"]
    made = await tokens.create(
        visit.gateway.database,
        visit.district_id,
        form.data["application"],
        visit.gateway.clock,
        valid_for=days and days * DAY,
        actor=visit.actor,
    )
    return await _page(visit, form_of(NewToken, visit.console, visit.session), new=made)


async def rotate(visit: Visit) -> Response:
    """Put another token in the place of one, which stays valid for a day."""
    token = await _own(visit)
    gateway = visit.gateway
    rotated = await tokens.rotate(
        gateway.database, token.id, gateway.clock, overlap=_OVERLAP, actor=visit.actor
    )
    return await _page(visit, form_of(NewToken, visit.console, visit.session), new=rotated.new)


async def revoke(visit: Visit) -> Response:
    """End a token at once."""
    token = await _own(visit)
    await tokens.revoke(visit.gateway.database, token.id, visit.gateway.clock, actor=visit.actor)
    return redirect(f"/districts/{visit.district_id}/apps")


async def _own(visit: Visit) -> Token:
    """The token of the address, which must be the district's."""
    found = await tokens.list_all(visit.gateway.database, visit.district_id)
    token = next((it for it in found if it.id == visit.of_path("token_id")), None)
    if token is None:
        raise NotHere
    return token


async def _page(
    visit: Visit, form: Form, *, new: tokens.NewToken | None = None, status: int = 200
) -> Response:
    database, now = visit.gateway.database, visit.gateway.clock()
    found = await tokens.list_all(database, visit.district_id)
    return page(
        visit,
        "apps.html",
        status=status,
        district=await districts.find(database, visit.district_id),
        active=[it for it in found if it.state(now) == "active"],
        ended=[it for it in found if it.state(now) != "active"],
        form=form,
        new=new,
    )


_TOKEN = "/districts/{district_id}/apps/{token_id}"  # noqa: S105 - an address
PAGES = (
    Shown("/districts/{district_id}/apps", "apps", show),
    Shown("/districts/{district_id}/apps", "apps", create, "POST"),
    Shown(_TOKEN + "/rotate", "apps", rotate, "POST"),
    Shown(_TOKEN + "/revoke", "apps", revoke, "POST"),
)
