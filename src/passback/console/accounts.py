"""Who may sign in here? Accounts: created (their password is shown once), reset, disabled and enabled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wtforms import BooleanField, PasswordField, SelectField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # the stubs are of an older version
from wtforms.validators import InputRequired, Length, Optional

from passback.console import once, sign_in
from passback.console.forms import Form, form_of
from passback.console.render import page
from passback.console.routing import Shown
from passback.console.visit import redirect
from passback.domain.account import ROLES
from passback.operations import accounts, districts
from passback.operations.accounts import LONGEST_PASSWORD, SHORTEST_PASSWORD
from passback.operations.errors import OperationError

if TYPE_CHECKING:
    from starlette.responses import Response

    from passback.console.visit import Visit


class NewAccount(Form):
    """An account to be created."""

    name = StringField("Name, such as an e-mail address", [InputRequired(), Length(max=200)])
    role = SelectField("Role", choices=[SelectChoice(it, it) for it in ROLES], default="support")
    district = SelectField("District", choices=[], validate_choice=False)
    teacher = StringField("Teacher's roster id (only for teachers)", [Optional(), Length(max=24)])
    elsewhere = BooleanField("Signs in with OpenID Connect, and has no password here")


class OwnPassword(Form):
    """Another password of one's own."""

    present = PasswordField("Present password", [InputRequired()])
    new = PasswordField("New password", [InputRequired(), Length(SHORTEST_PASSWORD, LONGEST_PASSWORD)])


async def show(visit: Visit) -> Response:
    """All accounts; one that was just created or reset, with its password."""
    return await _page(
        visit,
        form_of(NewAccount, visit.console, visit.session),
        new=once.shown(visit, once.Secret),
    )


async def create(visit: Visit) -> Response:
    """Create an account, whose password is shown once."""
    form = form_of(NewAccount, visit.console, visit.session, visit.form)
    if not form.validate():
        return await _page(visit, form, status=422)
    try:
        made = await accounts.create(
            visit.gateway.database,
            form.data["name"],
            form.data["role"],
            visit.console.clock,
            district_id=form.data["district"] or None,
            user_id=form.data["teacher"] or None,
            elsewhere=form.data["elsewhere"],
            actor=visit.actor,
        )
    except OperationError as error:
        return await _page(visit, form, problem=str(error), status=422)
    return _show_once(visit, made)


async def reset(visit: Visit) -> Response:
    """Give an account another password, which is shown once."""
    made = await accounts.reset(visit.gateway.database, visit.sent("name"), actor=visit.actor)
    return _show_once(visit, made)


def _show_once(visit: Visit, made: accounts.NewAccount) -> Response:
    if made.password is None:
        return redirect("/accounts")
    return once.lead_to(visit, "/accounts", once.Secret(made.account.name, made.password))


async def disable(visit: Visit) -> Response:
    """Sign somebody out everywhere, for good."""
    console = visit.console
    await accounts.disable(console.gateway.database, visit.sent("name"), console.clock, actor=visit.actor)
    return redirect("/accounts")


async def enable(visit: Visit) -> Response:
    """Let somebody sign in again."""
    await accounts.enable(visit.gateway.database, visit.sent("name"), actor=visit.actor)
    return redirect("/accounts")


async def _page(
    visit: Visit, form: Form, *, new: once.Secret | None = None, problem: str = "", status: int = 200
) -> Response:
    database = visit.gateway.database
    names = {it.district.id: it.district.name for it in await districts.list_all(database)}
    district = form["district"]
    assert isinstance(district, SelectField)
    district.choices = [SelectChoice("", "All"), *(SelectChoice(*it) for it in names.items())]
    return page(
        visit,
        "accounts.html",
        status=status,
        found=await accounts.list_all(database),
        names=names,
        form=form,
        new=new,
        problem=problem,
    )


async def show_own(visit: Visit) -> Response:
    """The account of whoever asks."""
    return await _own_page(visit, form_of(OwnPassword, visit.console, visit.session))


async def change_own(visit: Visit) -> Response:
    """Change one's own password; other browsers are signed out."""
    form = form_of(OwnPassword, visit.console, visit.session, visit.form)
    if not form.validate():
        return await _own_page(visit, form, status=422)
    address = visit.request.client.host if visit.request.client else ""
    present, new = (str(visit.form[it]) for it in ("present", "new"))
    try:
        secret = await accounts.change_password(
            visit.gateway.database, visit.account, present, new, address, visit.console.clock
        )
    except accounts.SignInRefused as refused:
        wrong = "The present password is another one."
        problem = wrong if refused.retry_after is None else str(refused)
        return await _own_page(visit, form, problem=problem, status=422)
    response = redirect("/account", changed="yes")
    sign_in.set_cookie(visit.console, response, secret)
    return response


async def _own_page(visit: Visit, form: Form, *, problem: str = "", status: int = 200) -> Response:
    database, own = visit.gateway.database, visit.account.district_id
    return page(
        visit,
        "account.html",
        status=status,
        district=None if own is None else await districts.find(database, own),
        has_password=await accounts.has_password(database, visit.account),
        form=form,
        problem=problem,
        is_changed=visit.asked("changed") == "yes",
    )


PAGES = (
    Shown("/account", None, show_own),
    Shown("/account", None, change_own, "POST"),
    Shown("/accounts", "accounts", show),
    Shown("/accounts", "accounts", create, "POST"),
    Shown("/accounts/reset", "accounts", reset, "POST"),
    Shown("/accounts/disable", "accounts", disable, "POST"),
    Shown("/accounts/enable", "accounts", enable, "POST"),
)
