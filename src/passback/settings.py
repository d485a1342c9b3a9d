"""Settings: defaults, then a TOML file, then environment variables with the prefix ``PASSBACK_``."""

from __future__ import annotations

import contextlib
import difflib
import os
import re
import secrets
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from passback.network.proxies import Proxies
from passback.store.engine.vault import KEY_BYTES, VaultError, keys_in_file, parse_keys, read_key_file

PREFIX = "PASSBACK_"
CONFIG = PREFIX + "CONFIG"
API_TOKEN = PREFIX + "API_TOKEN"
"""No setting: the token of an application, for the commands that ask a gateway as one."""
FROM_FILES = ("database_url", "oidc_client_secret", "pages_token")
"""The secret settings that a variable with ``_FILE`` at its end may name a file for, beside ``secret_key``: as Docker,
Kubernetes and systemd hand secrets over."""

_SECRET = frozenset({*FROM_FILES, "secret_key"})
"""The settings that no message shows."""
_KEY_OF_THIS_PROCESS = secrets.token_bytes(KEY_BYTES)
"""The key for data that is kept nowhere."""

NO_KEY_FOR_POSTGRESQL = (
    "PostgreSQL needs a secret key that all processes share: set PASSBACK_SECRET_KEY (`passback key new` prints one) or"
    " PASSBACK_SECRET_KEY_FILE"
)

_PUBLIC_URL = re.compile(r"https?://[A-Za-z0-9.\[\]:_-]+(/[A-Za-z0-9._~-]+)*/?")
_WORDS = {"yes": True, "no": False}
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
"""What no text may have; the last of them are bytes that are not UTF-8."""


class SettingsError(ValueError):
    """A setting has a value that is not allowed; the message names it and says what is."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The settings of a gateway."""

    host: str = "127.0.0.1"
    """The address to listen on."""
    port: Annotated[int, Meta(ge=0, le=65535)] = 8080
    """The port to listen on; 0 picks a free one."""
    trusted_proxies: str = ""
    """The proxies whose ``X-Forwarded-For`` is believed: IP addresses and networks, with commas. Nobody else's is."""
    public_url: str = ""
    """Where browsers and LMSs reach the gateway, such as ``https://passback.example``; by default where it listens."""
    data: str = "data"
    """The folder of the data file; ``:memory:`` keeps nothing."""
    database_url: str = ""
    """A PostgreSQL database to use in place of the data file, such as ``postgresql://passback@db.example/passback``."""
    workers: Annotated[int, Meta(ge=1, le=256)] = 1
    """How many processes `passback serve` runs on its address; more than one need PostgreSQL."""
    rate_limit: Annotated[int, Meta(ge=1, le=1_000_000_000)] = 1200
    """How many requests per minute each token may send."""
    max_body_bytes: Annotated[int, Meta(ge=1, le=1024**3)] = 1024 * 1024
    """The longest request body that is accepted, in bytes."""
    max_connections: Annotated[int, Meta(ge=1, le=100_000_000)] = 1000
    """How many connections each process may have at once; fewer if the limit of open files leaves less room."""
    lease_seconds: Annotated[float, Meta(ge=1, le=86_400)] = 20.0
    """After how many seconds without a sign of life other processes take over what a process was delivering."""
    keep_deliveries_days: Annotated[int, Meta(ge=2, le=36_500)] = 30
    """How many days deliveries are kept after they have ended."""
    allow_private_webhooks: bool = False
    """Whether webhooks may target private network addresses, and there also without TLS."""
    ca_file: str = ""
    """A file of certificates (PEM) of private authorities that are trusted beside the system's."""
    log_level: str = "warning"
    """The lowest level that is logged, to standard error: debug, info, warning, error or critical."""
    log_format: Literal["text", "json"] = "text"
    """The format of log lines."""
    metrics: bool = True
    """Whether ``/metrics`` is served."""
    pages_token: str = ""
    """The token that ``/metrics``, ``/docs`` and ``/openapi.json`` need; if empty, everybody may read them."""
    oidc_issuer: str = ""
    """The OpenID Connect provider that people may sign in to the console with, such as ``https://login.example``."""
    oidc_client_id: str = ""
    """What the provider knows the console as."""
    oidc_client_secret: str = ""
    """The secret that the provider gave for it."""
    oidc_name: str = "OpenID Connect"
    """What people call the provider, for the button to sign in."""
    tracing: Literal["off", "otlp"] = "off"
    """Where traces go: nowhere, or over OTLP to the collector that the ``OTEL_*`` variables name."""

    secret_key: str = ""
    """The key that credentials are encrypted with: base64 of 32 bytes. Of several, with commas, the first encrypts."""
    secret_key_file: str = ""
    """The file that holds the key if ``secret_key`` does not; by default ``secret.key`` in the data folder."""

    def secret_keys(self) -> list[bytes]:
        """Return the keys that credentials are encrypted with; the first is made when needed. Raises `VaultError`.

        None is made for PostgreSQL, where other processes would not find it.
        """
        found = self.keys_at_hand()
        if found or self.key_file is None:
            return found
        if self.database_url:
            raise VaultError(NO_KEY_FOR_POSTGRESQL)
        return read_key_file(self.key_file)

    def keys_at_hand(self) -> list[bytes]:
        """Return the keys as `secret_keys`, but make none; empty if there are none. Raises `VaultError`."""
        if self.secret_key:
            return parse_keys(self.secret_key, PREFIX + "SECRET_KEY")
        if self.key_file is None:
            return [_KEY_OF_THIS_PROCESS]
        return keys_in_file(self.key_file)

    @property
    def base_url(self) -> str:
        """Where browsers and LMSs reach the gateway, without a slash at its end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url.rstrip("/") or f"http://{host}:{self.port}"

    @property
    def key_file(self) -> Path | None:
        """The absolute path of the key file; None if nothing is kept."""
        if self.secret_key_file:
            return Path(self.secret_key_file).absolute()
        return None if self.data == ":memory:" else Path(self.data, "secret.key").absolute()

    @property
    def data_file(self) -> Path | None:
        """The absolute path of the data file; None if nothing is kept."""
        return None if self.data == ":memory:" else Path(self.data, "passback.db").absolute()


def trust_authorities(settings: Settings) -> None:
    """Trust the private authorities that the settings name, in this process. Raises `SettingsError`."""
    # Imported only where it is needed: most commands open no connection.
    from passback.network.trust import trust_also

    try:
        trust_also(settings.ca_file and str(Path(settings.ca_file).absolute()))
    except ValueError as error:
        raise SettingsError(f"setting 'ca_file': {error}") from None


def load(environment: Mapping[str, str] = os.environ, **given: Any) -> Settings:
    """Return the settings, from the weakest source to the strongest: defaults, the file that ``PASSBACK_CONFIG``
    names, ``PASSBACK_*`` variables (or the files that those name), and what is `given` (but None). Raises
    `SettingsError`.
    """
    values: dict[str, Any] = {}
    if CONFIG in environment:
        values |= _from_file(Path(environment[CONFIG]).absolute())
    fields = {field.name: field for field in msgspec.structs.fields(Settings)}
    for name in fields:
        variable = PREFIX + name.upper()
        if variable in environment:
            values[name] = environment[variable]
        if name in FROM_FILES and (of_file := variable + "_FILE") in environment:
            if variable in environment:
                raise SettingsError(f"{variable} and {of_file} are both given: which of them holds?")
            values[name] = _secret_in(environment[of_file], variable)
    values |= {name: value for name, value in given.items() if value is not None}
    checked = {}
    for name, value in values.items():
        if name not in fields:
            close = difflib.get_close_matches(name, fields, 1)
            raise SettingsError(
                f"unknown setting '{name}'" + (f"; did you mean '{close[0]}'?" if close else "")
            )
        kind = fields[name].type
        try:
            # A variable spells out a number, or yes or no.
            spelt = _WORDS.get(value, value) if kind is bool and isinstance(value, str) else value
            checked[name] = msgspec.convert(spelt, kind, strict=not isinstance(spelt, str))
        except msgspec.ValidationError:
            shown = "" if name in _SECRET else f" is {value!r}: it"
            raise SettingsError(f"setting '{name}'{shown} must be {allowed(kind)}") from None
    settings = Settings(**checked)
    _check(settings)
    return settings


def allowed(kind: Any, quote: str = "") -> str:
    """Which values a setting of a type may have, in words; each value is within quotes."""
    if get_origin(kind) is Literal:
        return " or ".join(f"{quote}{value}{quote}" for value in get_args(kind))
    if kind is bool:
        return f"{quote}yes{quote} or {quote}no{quote}"
    if kind is str:
        return "text"
    number, meta = get_args(kind)
    return f"a {'whole number' if number is int else 'number'}, at least {meta.ge} and at most {meta.le}"


def _check(settings: Settings) -> None:
    """Raise `SettingsError` if a value is not allowed, or lacks another that it needs."""
    _check_texts(settings)
    if settings.log_level.lower() not in ("debug", "info", "warning", "error", "critical"):
        raise SettingsError(
            f"setting 'log_level' is {settings.log_level!r}: it must be debug, info, warning, error or critical"
        )
    if settings.database_url and not settings.database_url.startswith(("postgresql://", "postgres://")):
        raise SettingsError("setting 'database_url' must begin with postgresql://")
    try:
        Proxies(settings.trusted_proxies)
    except ValueError as error:
        raise SettingsError(f"setting 'trusted_proxies' is {settings.trusted_proxies!r}: {error}") from None
    if settings.public_url and not _is_address(settings.public_url):
        raise SettingsError(
            "setting 'public_url' must begin with https:// (or http://), and have no query and no user"
        )
    _check_provider(settings)
    _check_keys(settings)


def _check_texts(settings: Settings) -> None:
    for name in settings.__struct_fields__:
        value = getattr(settings, name)
        # Several keys may be on lines of their own.
        if isinstance(value, str) and name != "secret_key" and _CONTROL.search(value):
            raise SettingsError(f"setting '{name}' must be UTF-8, on one line and without control characters")
    for name in ("host", "data"):
        if not getattr(settings, name):
            raise SettingsError(f"setting '{name}' is empty: leave it out for its default")


def _check_provider(settings: Settings) -> None:
    if settings.oidc_issuer and not _is_address(settings.oidc_issuer):
        raise SettingsError(
            "setting 'oidc_issuer' must begin with https:// (or http://), and have no query and no user"
        )
    if settings.oidc_client_id and not settings.oidc_issuer:
        raise SettingsError("setting 'oidc_client_id' needs 'oidc_issuer', the provider that knows it")
    if settings.oidc_issuer and not (settings.oidc_client_id and settings.oidc_client_secret):
        raise SettingsError(
            "setting 'oidc_issuer' needs 'oidc_client_id' and 'oidc_client_secret', which the provider gives"
        )


def _check_keys(settings: Settings) -> None:
    if settings.secret_key:
        try:
            parse_keys(settings.secret_key, PREFIX + "SECRET_KEY")
        except VaultError as error:
            raise SettingsError(str(error)) from None
    with contextlib.suppress(VaultError):
        parse_keys(settings.secret_key_file, "")
        raise SettingsError(
            "setting 'secret_key_file' must be the path of a file, and 'secret_key' the key itself"
        )


def _is_address(url: str) -> bool:
    if not _PUBLIC_URL.fullmatch(url):
        return False
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:  # such as a port that is none
        return False


def unknown_variables(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return variables that look like settings but are not, such as misspelt ones."""
    known = {PREFIX + field.upper() for field in Settings.__struct_fields__} | {CONFIG, API_TOKEN}
    known |= {f"{PREFIX}{name.upper()}_FILE" for name in FROM_FILES}
    return sorted(name for name in environment if name.startswith(PREFIX) and name not in known)


def _secret_in(name: str, variable: str) -> str:
    """The secret in the file of that name. Raises `SettingsError`."""
    path = Path(name).absolute()
    try:
        secret = path.read_text("utf-8").rstrip("\r\n")
    except OSError as error:
        if "/" not in name or "://" in name:  # it may be the secret itself
            raise SettingsError(
                f"{variable}_FILE must be the path of a file, and {variable} the secret itself"
            ) from None
        raise SettingsError(f"cannot read {path}, which {variable}_FILE names: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path}, which {variable}_FILE names, must be text in UTF-8") from None
    if not secret:
        raise SettingsError(f"{path}, which {variable}_FILE names, is empty")
    return secret


def _from_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"cannot read the settings file {path}: {error}") from None
