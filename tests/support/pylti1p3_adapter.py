"""What a web framework brings PyLTI1p3next: requests, cookies, redirects; and what a tool says of itself.

The library calls the methods, so vulture does not look here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pylti1p3.cookie import CookieService
from pylti1p3.dynamic_registration import DynamicRegistration
from pylti1p3.message_launch import MessageLaunch
from pylti1p3.oidc_login import OIDCLogin
from pylti1p3.redirect import Redirect
from pylti1p3.request import Request
from pylti1p3.service_connector import ServiceConnector
from pylti1p3.session import SessionService
from pylti1p3.tool_config.dict import ToolConfDict

LOGIN, LAUNCH = "https://tool.test/login", "https://tool.test/launch"


class Visit(Request):
    """A request from somebody's browser."""

    def __init__(self, given: Mapping[str, str], session: dict[str, Any]) -> None:
        self._given, self._session = given, session

    @property
    def session(self) -> dict[str, Any]:
        return self._session

    def is_secure(self) -> bool:
        return True

    def get_param(self, key: str) -> str:
        return self._given.get(key, "")


class Cookies(CookieService):
    """The browser's cookies."""

    def __init__(self, kept: dict[str, str]) -> None:
        self._kept = kept

    def get_cookie(self, name: str) -> str | None:
        return self._kept.get(name)

    def set_cookie(self, name: str, value: str | int, exp: int | None = 3600) -> None:
        self._kept[name] = str(value)


class Address(Redirect[str]):
    """An address that the browser is sent to."""

    def __init__(self, url: str) -> None:
        self._url = url

    def do_redirect(self) -> str:
        return self._url

    def do_js_redirect(self) -> str:
        raise NotImplementedError

    def set_redirect_url(self, location: str) -> None:
        self._url = location

    def get_redirect_url(self) -> str:
        return self._url


class Login(OIDCLogin[Visit, ToolConfDict, SessionService, Cookies, str]):
    def get_redirect(self, url: str) -> Address:
        return Address(url)


class Launch(MessageLaunch[Visit, ToolConfDict, SessionService, Cookies]):
    def _get_request_param(self, key: str) -> str:
        return self._request.get_param(key)


class Connector(ServiceConnector):
    """It asks for a token for each launch."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._tokens: dict[str, str] = {}

    def _get_cached_access_token(self, scope_key: str) -> str | None:
        return self._tokens.get(scope_key)

    def _cache_access_token(self, scope_key: str, access_token: str, expires_in: float) -> None:
        self._tokens[scope_key] = access_token


class Registration(DynamicRegistration):
    """The tool's own half of a registration by a link that an administrator opened."""

    client_name = "Tool"

    def __init__(self, told: Mapping[str, str], keys_url: str, scopes: Sequence[str]) -> None:
        self._told, self._keys_url, self._scopes = told, keys_url, scopes

    def get_openid_configuration_endpoint(self) -> str:
        return self._told["openid_configuration"]

    def get_registration_token(self) -> str:
        return self._told["registration_token"]

    def get_initiate_login_uri(self) -> str:
        return LOGIN

    def get_jwks_uri(self) -> str:
        return self._keys_url

    def get_redirect_uris(self) -> list[str]:
        return [LAUNCH]

    def get_target_link_uri(self) -> str:
        return LAUNCH

    def get_domain(self) -> str:
        return "tool.test"

    def get_logo_uri(self) -> str:
        return "https://tool.test/logo.png"

    def get_scopes(self) -> list[str]:
        return list(self._scopes)

    def complete_registration(
        self, openid_configuration: dict[str, Any], openid_registration: dict[str, Any]
    ) -> dict[str, Any]:
        """What `Tool.config` takes of the LMS."""
        said = openid_registration["https://purl.imsglobal.org/spec/lti-tool-configuration"]
        return {
            "client_id": openid_registration["client_id"],
            "auth_login_url": openid_configuration["authorization_endpoint"],
            "auth_token_url": openid_configuration["token_endpoint"],
            "key_set_url": openid_configuration["jwks_uri"],
            "deployment_ids": [said["deployment_id"]],
        }
