"""Rendering pages from templates, and how times and numbers are shown."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

import passback
from passback.console.forms import csrf_token as csrf_token_of
from passback.console.navigation import district_navigation, navigation
from passback.domain.clock import DAY, HOUR, MINUTE, SECOND, Instant
from passback.domain.grading import plain
from passback.operations.not_arrived import COUNTED

if TYPE_CHECKING:
    from starlette.responses import Response

    from passback.console.visit import Console, Visit


def page(visit: Visit, template: str, *, status: int = 200, **values: Any) -> Response:
    """A page of somebody who is signed in."""
    token = csrf_token_of(visit.console, visit.session)
    text = _environment().get_template(template)
    return HTMLResponse(
        text.render(
            visit=visit,
            account=visit.account,
            csrf=Markup('<input type="hidden" name="csrf_token" value="{}">').format(token),
            csrf_token=token,
            navigation=navigation(visit),
            district_navigation=district_navigation,
            **_common(visit.console),
            **values,
        ),
        status,
    )


def fragment(visit: Visit, template: str, *, status: int = 200, **values: Any) -> Response:
    """A part of a page, to replace the present one."""
    text = _environment().get_template(template)
    return HTMLResponse(text.render(visit=visit, **_common(visit.console), **values), status)


def bare_page(console: Console, template: str, *, status: int = 200, **values: Any) -> Response:
    """A page of nobody."""
    return HTMLResponse(_environment().get_template(template).render(**_common(console), **values), status)


def _common(console: Console) -> dict[str, Any]:
    return {"is_sandbox": console.kind == "sandbox", "now": console.gateway.clock()}


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("passback.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "time": show_time,
        "ago": show_ago,
        "counted": counted,
        "capped": capped,
        "sentence": sentence,
        "plain": plain,
    }
    environment.globals["version"] = passback.__version__
    return environment


def show_time(instant: Instant | None, otherwise: str = "never") -> Markup | str:
    """An instant: in UTC, and in the time of whoever reads it if scripts run."""
    if instant is None:
        return otherwise
    exact = utc(instant)
    return Markup('<time datetime="{}">{} UTC</time>').format(exact, exact[:16].replace("T", " "))


def show_ago(instant: Instant | None, now: Instant, otherwise: str = "never") -> Markup | str:
    """How long ago an instant was, or how long it is until then."""
    if instant is None:
        return otherwise
    text = f"{show_length(now - instant)} ago" if now >= instant else f"in {show_length(instant - now)}"
    return Markup('<time datetime="{}" data-relative>{}</time>').format(utc(instant), text)


def utc(instant: Instant) -> str:
    """An instant in ISO 8601, to the second."""
    return datetime.fromtimestamp(instant / SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def show_length(milliseconds: int) -> str:
    """A length of time in its largest unit: 4 minutes, 3 hours, 12 days."""
    for unit, name in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        if milliseconds >= unit:
            return counted(math.floor(milliseconds / unit), name)
    return counted(max(0, milliseconds // SECOND), "second")


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def sentence(text: str) -> str:
    """Text that ends as a sentence does, without the marks of code."""
    text = text.replace("`", "").strip()
    return text and text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def capped(number: int) -> str:
    """A number that was counted up to a limit."""
    return f"more than {COUNTED:,}" if number > COUNTED else f"{number:,}"
