"""What a connection to an LMS is made with: its kind, address, credentials and options, checked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from passback.lms import registry
from passback.operations.errors import OperationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passback.lms.interface import ConnectorKind, Setting

_KEYS_OF_APPLICATIONS = ("client_id", "client_secret", "consumer_key", "consumer_secret")
"""What signing in needs: it gives the other credentials."""
_LOCAL = ("127.0.0.1", "localhost", "::1")


def kind(name: str) -> ConnectorKind:
    """Return a kind of LMS. Raises `OperationError`."""
    try:
        return registry.kind(name)
    except registry.UnknownKind as error:
        raise OperationError(str(error)) from None


def setting(kind: ConnectorKind, name: str) -> Setting:
    """Return a setting by its name. Raises `OperationError`, which lists those that exist."""
    for it in kind.settings:
        if it.name == name:
            return it
    known = "\n".join(f"  {it.name:<22} {it.meaning}" for it in kind.settings)
    raise OperationError(
        f"{name!r} is not a setting of {kind.capabilities.name}, whose settings are\n{known}"
    )


def check_value(setting: Setting, value: str) -> None:
    """Raise `OperationError` if a setting cannot have that value."""
    if setting.pattern and not re.fullmatch(setting.pattern, value):
        shown = "what is given" if setting.secret else repr(value)
        raise OperationError(f"{shown} is not a value of {setting.name}: {setting.meaning}")


def base_address(kind: ConnectorKind, text: str) -> str:
    """Return the base of the LMS's addresses: what people type may have a path, and no scheme.

    Raises `OperationError`.
    """
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        bad = parts.username is not None or parts.password is not None or parts.port == 0
    except ValueError:
        bad = True
    if bad:
        raise OperationError("the address must be a host, with a port if need be: no user, no password")
    schemes = ("http", "https") if parts.hostname in _LOCAL else ("https",)
    if not parts.netloc or parts.scheme not in schemes:
        raise OperationError(f"{text!r} is not the address of an LMS: it must begin with https://")
    # An LMS whose interface is below a path says so in its default address.
    path = urlsplit(kind.address.default or "").path or "/"
    if kind.address.keeps_path:
        path = f"{parts.path.rstrip('/')}/"
    return f"{parts.scheme}://{parts.netloc.lower()}{path}"


def missing(kind: ConnectorKind, given: Mapping[str, str], *, signing_in: bool) -> list[Setting]:
    """Return the settings that must still be given; if somebody signs in, that gives the others."""
    return [
        it
        for it in kind.settings
        if it.name not in given
        and it.default is None
        and not it.optional
        and (not signing_in or it.name in _KEYS_OF_APPLICATIONS)
    ]


def lacks_alternative(kind: ConnectorKind, given: Mapping[str, str]) -> bool:
    """Whether none of several settings is given of which one must be."""
    return bool(kind.one_of) and not any(given.get(name) for name in kind.one_of)
