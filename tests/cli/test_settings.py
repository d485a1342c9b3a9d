from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from passback.settings import FROM_FILES, Settings, SettingsError, load, unknown_variables


def test_without_anything_the_defaults_hold() -> None:
    assert load({}) == Settings(
        host="127.0.0.1", port=8080, data="data", rate_limit=1200, max_body_bytes=1_048_576
    )


def test_the_stronger_source_wins(tmp_path: Path) -> None:
    config = tmp_path / "passback.toml"
    config.write_text('port = 1\nhost = "0.0.0.0"\nrate_limit = 5\n')
    settings = load(
        {"PASSBACK_CONFIG": str(config), "PASSBACK_PORT": "2", "PASSBACK_RATE_LIMIT": "6"}, port=3
    )
    assert (settings.host, settings.port, settings.rate_limit) == ("0.0.0.0", 3, 6)


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"PASSBACK_PORT": "http"}, "'port' is 'http'"),
        ({"PASSBACK_PORT": "65536"}, "'port' is '65536'.*65535"),
        ({"PASSBACK_PORT": ""}, "'port' is ''"),
        (
            {"PASSBACK_RATE_LIMIT": "0"},
            "'rate_limit' is '0': it must be a whole number, at least 1 and at most",
        ),
        ({"PASSBACK_KEEP_DELIVERIES_DAYS": "9" * 30}, "at least 2 and at most 36500"),
        (
            {"PASSBACK_LEASE_SECONDS": "inf"},
            "'lease_seconds' is 'inf': it must be a number, at least 1 and at most",
        ),
        ({"PASSBACK_LEASE_SECONDS": "nan"}, "'lease_seconds' is 'nan'"),
        ({"PASSBACK_MAX_BODY_BYTES": "-1"}, "'max_body_bytes' is '-1'"),
        ({"PASSBACK_ALLOW_PRIVATE_WEBHOOKS": "maybe"}, "'allow_private_webhooks' is 'maybe'.*yes or no"),
        ({"PASSBACK_SECRET_KEY": "garbage"}, "PASSBACK_SECRET_KEY"),
        ({"PASSBACK_OIDC_ISSUER": "login.example"}, "must begin with https://"),
        ({"PASSBACK_OIDC_ISSUER": "https://login.example"}, "needs 'oidc_client_id'"),
        ({"PASSBACK_OIDC_CLIENT_ID": "passback"}, "'oidc_client_id' needs 'oidc_issuer'"),
        *(
            ({f"PASSBACK_{name}": url}, f"'{name.lower()}' must begin with https://")
            for name in ("PUBLIC_URL", "OIDC_ISSUER")
            for url in ("https://[::1", "https://:::", "https://passback.example:99999")
        ),
        ({"PASSBACK_HOST": ""}, "'host' is empty"),
        ({"PASSBACK_DATA": ""}, "'data' is empty"),
        ({"PASSBACK_DATA": "\udcff"}, "'data' must be UTF-8"),
        ({"PASSBACK_HOST": "127.0.0.1\n"}, "'host' must be .* on one line"),
        (
            {"PASSBACK_TRUSTED_PROXIES": "proxy.example"},
            "'trusted_proxies' is 'proxy.example': .*IP addresses",
        ),
        ({"PASSBACK_LOG_FORMAT": "xml"}, "'log_format' is 'xml': it must be text or json"),
        ({"PASSBACK_TRACING": "on"}, "'tracing' is 'on': it must be off or otlp"),
        ({"PASSBACK_METRICS": "perhaps"}, "'metrics' is 'perhaps': it must be yes or no"),
        ({"PASSBACK_LOG_LEVEL": "loud"}, "'log_level' is 'loud'.*debug, info"),
        (
            {"PASSBACK_CONFIG": "/nowhere/passback.toml"},
            "cannot read the settings file /nowhere/passback.toml",
        ),
    ],
)
def test_a_bad_value_is_named(environment: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        load(environment)


@pytest.mark.parametrize(("text", "served"), [("yes", True), ("no", False), ("true", True), ("0", False)])
def test_yes_and_no_are_words(text: str, served: bool) -> None:
    assert load({"PASSBACK_METRICS": text}).metrics is served


@pytest.mark.parametrize("name", FROM_FILES)
def test_a_secret_may_be_in_a_file(tmp_path: Path, name: str) -> None:
    secret = "postgresql://passback:secret@db.example/passback"
    (tmp_path / "secret").write_text(secret + "\n")
    variable = f"PASSBACK_{name.upper()}"
    settings = load({f"{variable}_FILE": str(tmp_path / "secret")})
    assert getattr(settings, name) == secret
    with pytest.raises(SettingsError, match=f"{variable} and {variable}_FILE are both given"):
        load({variable: "other", f"{variable}_FILE": str(tmp_path / "secret")})
    with pytest.raises(
        SettingsError, match=rf"cannot read /nowhere, which {variable}_FILE names: No such file"
    ):
        load({f"{variable}_FILE": "/nowhere"})
    (tmp_path / "secret").write_text("\n")
    with pytest.raises(SettingsError, match=f"{tmp_path}/secret, which {variable}_FILE names, is empty"):
        load({f"{variable}_FILE": str(tmp_path / "secret")})


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"PASSBACK_PAGES_TOKEN_FILE": "secret"}, "PASSBACK_PAGES_TOKEN the secret itself"),
        ({"PASSBACK_DATABASE_URL_FILE": "postgresql://passback:secret@db/x"}, "must be the path of a file"),
        ({"PASSBACK_SECRET_KEY_FILE": "c2VjcmV0" * 5 + "c2U="}, "'secret_key_file' must be the path"),
        ({"PASSBACK_SECRET_KEY": "secret"}, "base64 of 32 bytes"),
        ({"PASSBACK_DATABASE_URL": "passback:secret@db"}, "must begin with postgresql://"),
        ({"PASSBACK_CONFIG": "{config}"}, "'secret_key' must be text"),
    ],
)
def test_no_message_shows_a_secret_in_the_wrong_place(
    tmp_path: Path, environment: dict[str, str], message: str
) -> None:
    config = tmp_path / "passback.toml"
    config.write_text('secret_key = ["secret"]\n')
    with pytest.raises(SettingsError, match=message) as refused:
        load({name: value.format(config=config) for name, value in environment.items()})
    assert not any(
        it in str(refused.value).replace("secret itself", "").replace("secret_key", "")
        for it in ("secret", "c2Vj")
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prot = 1", "unknown setting 'prot'; did you mean 'port'?"),
        ("zzz = 1", "unknown setting 'zzz'"),
        ("port = ", "cannot read the settings file"),
        ("port = '80'\n[data]\nx = 1", "'data' is"),
        ("port = true", "'port' is True"),
    ],
)
def test_a_bad_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    config = tmp_path / "passback.toml"
    config.write_text(text)
    with pytest.raises(SettingsError, match=message.replace("?", r"\?")):
        load({"PASSBACK_CONFIG": str(config)})


@pytest.mark.parametrize(
    ("environment", "unknown"),
    [
        ({"PASSBACK_PORT": "1", "PASSBACK_CONFIG": "x", "PATH": "y"}, []),
        ({f"PASSBACK_{name.upper()}_FILE": "x" for name in FROM_FILES}, []),
        ({"PASSBACK_PORT_FILE": "x"}, ["PASSBACK_PORT_FILE"]),
        ({"PASSBACK_RATELIMIT": "1"}, ["PASSBACK_RATELIMIT"]),
    ],
)
def test_misspelt_variables_are_found(environment: dict[str, Any], unknown: list[str]) -> None:
    assert unknown_variables(environment) == unknown
