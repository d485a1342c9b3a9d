"""Forms: each proves that it comes from a page of the same session (CSRF), which WTForms checks."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from wtforms import Form as PlainForm
from wtforms.csrf.core import CSRFTokenField
from wtforms.csrf.session import SessionCSRF

from passback.console.sent import texts

if TYPE_CHECKING:
    from starlette.datastructures import FormData

    from passback.console.visit import Console
    from passback.operations.accounts import AccountSession

CSRF = "csrf_token"
"""The name of the field that every form has."""


def form_of(
    kind: type[Form], console: Console, session: AccountSession, sent: FormData | None = None, **data: Any
) -> Form:
    """A form of a session, with the text that was `sent`, or else `data` as its first values."""
    meta = {
        "csrf_context": {"csrf": session.csrf},
        "csrf_secret": hashlib.sha256(b"console forms" + console.gateway.cursor_key).digest(),
    }
    return kind(None if sent is None else texts(sent), meta=meta, data=data)


def csrf_token(console: Console, session: AccountSession) -> str:
    """What forms of a session prove themselves with."""
    field = form_of(Form, console, session)[CSRF]
    assert isinstance(field, CSRFTokenField)
    return field.current_token or ""


class Form(PlainForm):
    """A form of the console. Without fields of its own, it is what buttons send."""

    class Meta:
        """How WTForms is to treat it."""

        csrf = True
        csrf_class = SessionCSRF
        csrf_field_name = CSRF
        csrf_time_limit = timedelta(days=7)  # as long as a session: the rest is in the session's own secret
