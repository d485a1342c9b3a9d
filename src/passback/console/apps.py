"""Which apps have access? Tokens: created (and shown once), rotated with an overlap, revoked. And their webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec
from wtforms import IntegerField, StringField
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from passback.console import once
from passback.console.forms import Form, form_of
from passback.console.render import page
from passback.console.routing import Shown
from passback.console.visit import NotHere, redirect
from passback.domain.clock import DAY, HOUR
from passback.operations import districts, tokens, webhooks
from passback.operations.errors import OperationError
from passback.operations.webhooks import WebhookTest

if TYPE_CHECKING:
    from starlette.responses import Response

    from passback.console.visit import Visit
    from passback.domain.delivery import Delivery
    from passback.operations.tokens import Token
    from passback.operations.webhooks import Webhook

_OVERLAP = 24 * HOUR
_LONGEST = 3650
_MESSAGES = 50


class NewToken(Form):
    """A token to be created."""

    application = StringField("App", [InputRequired(), Length(max=200)])
    days = IntegerField("Valid for days (empty: until it is revoked)", [Optional(), NumberRange(1, _LONGEST)])


async def show(visit: Visit) -> Response:
    """The tokens of a district; one that was just created or rotated, with its secret."""
    return await _page(
        visit, form_of(NewToken, visit.console, visit.session), new=once.shown(visit, once.Secret)
    )


async def create(visit: Visit) -> Response:
    """Create a token, which is shown once."""
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
    return _show_once(visit, made)


async def rotate(visit: Visit) -> Response:
    """Put another token in the place of one, which stays valid for a day."""
    token = await _own(visit)
    gateway = visit.gateway
    rotated = await tokens.rotate(
        gateway.database, token.id, gateway.clock, overlap=_OVERLAP, actor=visit.actor
    )
    return _show_once(visit, rotated.new)


async def revoke(visit: Visit) -> Response:
    """End a token at once."""
    token = await _own(visit)
    await tokens.revoke(visit.gateway.database, token.id, visit.gateway.clock, actor=visit.actor)
    return redirect(f"/districts/{visit.district_id}/apps")


def _show_once(visit: Visit, made: tokens.NewToken) -> Response:
    secret = once.Secret(made.token.application, made.secret)
    return once.lead_to(visit, f"/districts/{visit.district_id}/apps", secret)


async def _own(visit: Visit) -> Token:
    """The token of the address, which must be the district's."""
    found = await tokens.list_all(visit.gateway.database, visit.district_id)
    token = next((it for it in found if it.id == visit.of_path("token_id")), None)
    if token is None:
        raise NotHere
    return token


async def _page(visit: Visit, form: Form, *, new: once.Secret | None = None, status: int = 200) -> Response:
    database, now = visit.gateway.database, visit.gateway.clock()
    found = await tokens.list_all(database, visit.district_id)
    return page(
        visit,
        "apps.html",
        status=status,
        district=await districts.find(database, visit.district_id),
        active=[it for it in found if it.state(now) == "active"],
        ended=[it for it in found if it.state(now) != "active"],
        webhooks=await webhooks.with_newest_message(database, visit.district_id),
        without_query=_without_query,
        form=form,
        new=new,
    )


async def show_webhook(visit: Visit) -> Response:
    """A webhook and its newest messages, with a new secret or what came of a test, once."""
    database, webhook = visit.gateway.database, await _own_webhook(visit)
    return page(
        visit,
        "webhook.html",
        district=await districts.find(database, visit.district_id),
        webhook=webhook,
        address=_without_query(webhook.url),
        messages=await webhooks.messages(database, webhook.id, _MESSAGES),
        event_of=_event_of,
        test=once.shown(visit, WebhookTest),
        secret=once.shown(visit, once.Secret),
    )


async def change_webhook(visit: Visit) -> Response:
    """Test, rotate, disable, enable or delete a webhook, or send a message again."""
    webhook = await _own_webhook(visit)
    gateway, actor = visit.gateway, visit.actor
    here = f"/districts/{visit.district_id}/webhooks/{webhook.id}"
    match visit.sent("do"):
        case "test":
            found = await webhooks.test(gateway, webhook.id)
            return once.lead_to(
                visit, here, msgspec.structs.replace(found, message=once.shortened(found.message))
            )
        case "rotate":
            secret = await webhooks.rotate(gateway, webhook.id, actor=actor)
            return once.lead_to(visit, here, once.Secret(webhook.application, secret))
        case "disable":
            await webhooks.disable(gateway.database, webhook.id, gateway.clock, actor=actor)
        case "enable":
            await webhooks.enable(gateway.database, webhook.id, gateway.clock, actor=actor)
        case "delete":
            await webhooks.delete(gateway.database, webhook.id, actor=actor)
            return redirect(f"/districts/{visit.district_id}/apps")
        case "resend":
            await webhooks.resend(
                gateway.database, webhook.id, visit.sent("message"), gateway.clock, actor=actor
            )
        case _:
            raise OperationError("choose what to do with the webhook")
    return redirect(here)


def _event_of(message: Delivery) -> str:
    """The type of event that a message tells of."""
    return str(msgspec.json.decode(message.content, type=_Event).type)


class _Event(msgspec.Struct):
    type: str = ""


def _without_query(url: str) -> str:
    """An address without its query, which may hold a secret of the app's."""
    return urlsplit(url)._replace(query="").geturl() + ("?..." if "?" in url else "")


async def _own_webhook(visit: Visit) -> Webhook:
    """The webhook of the address, which must be the district's. Raises `NotHere`."""
    found = await webhooks.find(visit.gateway.database, visit.of_path("webhook_id"))
    if found.district_id != visit.district_id:
        raise NotHere
    return found


_WEBHOOK = "/districts/{district_id}/webhooks/{webhook_id}"
_TOKEN = "/districts/{district_id}/apps/{token_id}"  # noqa: S105 - an address
PAGES = (
    Shown("/districts/{district_id}/apps", "apps", show),
    Shown("/districts/{district_id}/apps", "apps", create, "POST"),
    Shown(_WEBHOOK, "apps", show_webhook),
    Shown(_WEBHOOK, "apps", change_webhook, "POST"),
    Shown(_TOKEN + "/rotate", "apps", rotate, "POST"),
    Shown(_TOKEN + "/revoke", "apps", revoke, "POST"),
)
