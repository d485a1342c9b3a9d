"""The site, and what the token may call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback_simulators.moodle.function import Function
from passback_simulators.moodle.params import list_of, words

if TYPE_CHECKING:
    from collections.abc import Collection

    from passback_simulators.moodle.state import MoodleState


SITE_URL = "http://moodle.example"


def site_info(lms: MoodleState, names: Collection[str]) -> dict[str, Any]:
    """``core_webservice_get_site_info``, for a token that may call the functions with these `names`."""
    user = lms.records.get("users", lms.userid) or {}
    return {
        "sitename": "Moodle Unified", "username": user.get("username", ""), "firstname": user.get("firstname", ""),
        "lastname": user.get("lastname", ""),
        "fullname": f"{user.get('firstname', '')} {user.get('lastname', '')}".strip(), "lang": "en",
        "userid": lms.userid, "siteurl": SITE_URL, "userpictureurl": "",
        "functions": [{"name": name, "version": "2024100706"} for name in sorted(names)],
        "downloadfiles": 0, "uploadfiles": 0, "release": lms.settings["release"], "version": "2024100706",
        "mobilecssurl": "", "advancedfeatures": [], "usercanmanageownfiles": True, "userquota": 0,
        "usermaxuploadfilesize": -1, "userhomepage": 0, "siteid": 1, "sitecalendartype": "gregorian",
        "usercalendartype": "gregorian", "userissiteadmin": False, "theme": "boost",
    }  # fmt: skip


SITE_INFO = "core_webservice_get_site_info"


def _unbound(lms: MoodleState, **_: Any) -> dict[str, Any]:
    return site_info(lms, [])


FUNCTIONS = {SITE_INFO: Function({"serviceshortnames": list_of(words(), [])}, _unbound, reads=True)}
