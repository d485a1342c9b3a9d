"""Moodle's errors: an object with an ``errorcode``, and HTTP status 200 as ever."""

from __future__ import annotations

from passback_simulators.reply import Refusal, json_reply

_MOODLE = "core\\exception\\moodle_exception"
_CLASSES = {
    "invalidparameter": "core\\exception\\invalid_parameter_exception",
    "invalidrecord": "dml_missing_record_exception",
    "invalidrecordunknown": "dml_missing_record_exception",
    "accessexception": "core\\exception\\access_exception",
    "nopermissions": "core\\exception\\required_capability_exception",
    "nopermissiontoviewgrades": "core\\exception\\required_capability_exception",
    "requireloginerror": "core\\exception\\require_login_exception",
    "codingerror": "core\\exception\\coding_exception",
    "dmlwriteexception": "dml_write_exception",
}


def refused(errorcode: str, message: str) -> Refusal:
    """The refusal of a call. Clients should go by `errorcode`: the message is translated, the class has moved."""
    content = {"exception": _CLASSES.get(errorcode, _MOODLE), "errorcode": errorcode, "message": message}
    return Refusal(json_reply(200, content, "application/json"))


def bad_token() -> Refusal:
    """The token does not exist."""
    return refused("invalidtoken", "Invalid token - token not found")


def no_access() -> Refusal:
    """The token has expired, or may not call the function."""
    return refused("accessexception", "Access control exception")


def bad_parameter() -> Refusal:
    """A parameter is missing, mistyped or unknown; which one is not said."""
    return refused("invalidparameter", "Invalid parameter value detected")


def no_record(table: str) -> Refusal:
    """A row of a database table does not exist."""
    return refused("invalidrecord", f"Can't find data record in database table {table}.")


def no_module() -> Refusal:
    """A course module does not exist."""
    return refused("invalidcoursemodule", "Invalid course module ID")


def no_permission(what: str) -> Refusal:
    """The user lacks a capability."""
    return refused("nopermissions", f"Sorry, but you do not currently have permissions to do that ({what}).")


def no_write() -> Refusal:
    """The database refuses to write."""
    return refused("dmlwriteexception", "Error writing to database")
