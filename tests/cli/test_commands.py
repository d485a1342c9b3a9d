"""The commands as people run them: processes with exit codes, output and signals."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from passback.delivery import ledger
from passback.domain.clock import MINUTE, system_clock
from passback.sandbox.seed import seed
from passback.store.engine.database import Connection
from passback.store.engine.sqlite import SqliteDatabase
from support import commands as running
from support.delivery import delivery
from support.sandbox import ASSIGNMENTS, DISTRICT, ESSAY, SECTION, STUDENT, TEACHER, Client

ENVIRONMENT = running.ENVIRONMENT


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return running.run(*arguments, environment={**ENVIRONMENT, **environment})


class Server:
    """A server of its own process, and a client of it."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        self.process = subprocess.Popen(
            running.command(*arguments, "--port", "0"),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**ENVIRONMENT, **environment},
        )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        match = re.search(r"http://[^:]+:(\d+)", line)
        assert match, (line, self.process.communicate(timeout=10))
        self.port = int(match[1])
        self.client = Client(self.port)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
        """The exit code, and what was written to either output."""
        self.client.close()
        self.process.send_signal(how)
        code = self.process.wait(30)
        assert self.process.stdout
        assert self.process.stderr
        with self.process.stdout as output, self.process.stderr as errors:
            return code, output.read(), errors.read()


@pytest.fixture
def data(tmp_path: Path) -> str:
    return str(tmp_path / "data")


@pytest.fixture
def server(data: str) -> Iterator[Server]:
    server = Server("sandbox", "--data", data)
    yield server
    server.stop(signal.SIGKILL)


def test_a_second_start_finds_what_the_first_left(data: str) -> None:
    first = Server("sandbox", "--data", data)
    path = first.client.create()
    first.stop()
    second = Server("sandbox", "--data", data)
    assert second.client.get(path).data["title"] == ESSAY["title"]
    second.stop()


def test_what_was_answered_survives_kill_9(data: str) -> None:
    first = Server("sandbox", "--data", data)
    paths = [first.client.create(title=f"Essay {number}") for number in range(20)]
    first.stop(signal.SIGKILL)
    second = Server("sandbox", "--data", data)
    assert [second.client.get(path).data["title"] for path in paths] == [
        f"Essay {number}" for number in range(20)
    ]
    second.stop()


def test_in_memory_keeps_nothing(tmp_path: Path) -> None:
    server = Server("sandbox", "--data", ":memory:", TMPDIR=str(tmp_path))
    server.client.create()
    assert server.stop()[0] == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_is_clean(data: str, how: signal.Signals) -> None:
    server = Server("sandbox", "--data", data)
    server.client.create()
    code, output, errors = server.stop(how)
    assert (code, errors) == (0, "")
    assert output.endswith("\nStopped. Nothing waits to be delivered.\n")


_STOPPED_EARLY = """
import signal
from passback import app, cli

class Dropped:
    def __del__(self):
        signal.raise_signal(signal.SIGTERM)

def stopped(*given, begin=app.{step}):
    Dropped()
    return begin(*given)

app.{step} = stopped
cli.main()
"""


@pytest.mark.parametrize("step", ["settle", "delivering"])
def test_a_stop_in_the_middle_of_the_start_is_not_lost(data: str, step: str) -> None:
    """Python drops an exception that a finalizer meets, such as what ends a process."""
    ended = subprocess.run(
        [sys.executable, "-c", _STOPPED_EARLY.format(step=step), "serve", "--port", "0", "--data", data],
        capture_output=True, text=True, check=False, timeout=30, env=ENVIRONMENT,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout.splitlines()[-1]) == (0, "Stopped. Nothing waits to be delivered.")


def test_a_stop_says_what_waits(data: str) -> None:
    server = Server("serve", "--data", data)
    with contextlib.closing(SqliteDatabase(Path(data) / "passback.db")) as database:
        database.write_now(lambda conn: seed(conn, 0))

        def wait(conn: Connection) -> None:
            ledger.accept(conn, delivery("d1", {"grade_points": "5"}))
            later = {"later": system_clock() + 10 * MINUTE}  # not so late that the clock may have been set
            conn.execute("UPDATE deliveries SET due = :later, expires = :later", later)

        database.write_now(wait)
    told = server.stop(signal.SIGINT)[1].splitlines()[-1]
    assert (
        told
        == "Stopped. Nothing is lost: 1 delivery waits, for the next start or for another process that runs."
    )


def test_the_start_tells_all_for_the_first_call(data: str) -> None:
    server = Server("sandbox", "--data", data)
    output = server.stop()[1]
    for needed in ("DEMO_TOKEN", "DEMO_TOKEN_ELSEWHERE", SECTION, TEACHER, STUDENT):
        assert needed in output


def test_a_sandbox_that_others_can_call_says_where_it_is_here_and_that_its_console_wants_an_account() -> None:
    server = Server("sandbox", "--data", ":memory:", "--host", "0.0.0.0")
    output = server.stop()[1]
    assert f"curl -s -X POST http://127.0.0.1:{server.port}/v3.1" in output
    assert f"http://127.0.0.1:{server.port}/console   (others can call it: passback account create" in output


def test_the_printed_first_call_works(tmp_path: Path) -> None:
    server = Server("sandbox", "--data", str(tmp_path))
    # Up to the last line of the message.
    assert server.process.stdout is not None
    lines = list(iter(server.process.stdout.readline, "\n"))
    text = "".join(lines)
    while "curl" not in text or "-d '" not in text:
        text += server.process.stdout.readline()
    command = text[text.index("curl") :]
    answer = subprocess.run(command, shell=True, capture_output=True, text=True, check=True, timeout=20)
    server.stop()
    assert answer.stdout.startswith('{"data":{')


_TOO_LONG = "/tmp/" + "x" * 300
"""A folder that the system will not even look at, as one in a folder that the user may not enter."""


def test_a_port_that_is_taken_is_named(data: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = running.real("sandbox", "--data", data, "--port", port)
    assert (result.returncode, result.stdout) == (1, "")
    assert port in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "message"),
    [
        (["sandbox", "--port", "99999"], {}, 2, "'port' is 99999"),
        (["sandbox"], {"PASSBACK_RATE_LIMIT": "many"}, 2, "'rate_limit' is 'many'"),
        (["sandbox", "--data", "/dev/null/x"], {}, 1, "/dev/null/x"),
        (["serve", "--data", _TOO_LONG], {}, 1, "File name too long"),
        (["serve", "--host", "a..b"], {"PASSBACK_DATA": ":memory:"}, 1, "not the name of a host"),
        (["token", "list", "--data", ":memory:"], {}, 2, "kept nowhere"),
        (["token", "list", "--data", "/nowhere"], {}, 2, "no data file /nowhere/passback.db"),
        (["gradebook", "list", SECTION, "--data", "/nowhere"], {}, 2, "no data file"),
    ],
)
def test_bad_input_is_named_without_a_traceback(
    arguments: list[str], environment: dict[str, str], code: int, message: str
) -> None:
    # What starts to serve changes this process for good.
    how = running.real if code == 1 else running.run
    result = how(*arguments, environment={**ENVIRONMENT, **environment})
    assert (result.returncode, message in result.stderr) == (code, True), result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "command", ["status", "token list", "key rotate", "backup copy.db", "connection list", "district list"]
)
def test_a_command_names_the_folder_that_it_may_not_look_into(command: str) -> None:
    told = run(*command.split(), "--data", _TOO_LONG)
    assert told.returncode == 1
    assert re.search(r"passback: cannot use /tmp/xx+/passback.db: File name too long\n", told.stderr)


@pytest.mark.parametrize(
    "arguments", [["brew"], ["sandbox", "--colour", "red"], ["token"], ["token", "create"]]
)
def test_unknown_commands_and_options_do_nothing(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_misspelt_setting_is_warned_about(data: str) -> None:
    server = Server("sandbox", "--data", data, PASSBACK_RATELIMIT="5")
    assert "PASSBACK_RATELIMIT is not a setting" in server.stop()[2]


def test_a_sandbox_file_is_not_served_in_production(data: str) -> None:
    Server("sandbox", "--data", data).stop()
    result = running.real("serve", "--data", data, "--port", "0")
    assert (result.returncode, "holds a sandbox gateway's data" in result.stderr) == (1, True)


def test_production_knows_no_demo_token_and_no_sandbox_calls(data: str) -> None:
    server = Server("serve", "--data", data)
    replies = [server.client.get(ASSIGNMENTS).status, server.client.post("/sandbox/reset", b"").status]
    server.stop()
    assert replies == [403, 404]


def test_a_start_names_a_new_data_file_and_a_missing_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for lines in (2, 1):  # the second start finds the file
        server = Server("serve", "--data", "fresh")
        _, output, _ = server.stop()
        told = [line for line in output.splitlines() if line.startswith(("New data file", "No secret key"))]
        assert len(told) == lines
        assert str(tmp_path / "fresh") in told[0]
    assert not (tmp_path / "fresh" / "secret.key").exists()


def test_production_knows_no_faults_on_demand(data: str) -> None:
    Server("serve", "--data", data).stop()
    with contextlib.closing(SqliteDatabase(Path(data) / "passback.db")) as database:
        database.write_now(lambda conn: seed(conn, 0))
    _, secret = new_token(data)
    server = Server("serve", "--data", data)
    client = Client(server.port, secret)
    reply = client.call("GET", ASSIGNMENTS, headers={"Sandbox-Fault": "timeout"})
    client.close()
    server.stop()
    assert reply.status == 200


@pytest.mark.parametrize(
    "arguments", [[], ["sandbox"], ["serve"], ["token", "create"], ["gradebook", "grade"]]
)
def test_help_is_there(arguments: list[str]) -> None:
    result = run(*arguments, "--help")
    assert result.returncode == 0
    assert "Usage: passback" in result.stdout


@pytest.mark.parametrize("arguments", [["roster", "import"], ["sync", "run"], ["deliveries", "list"]])
def test_an_option_that_is_off_has_no_opposite(arguments: list[str]) -> None:
    told = run(*arguments, "--help").stdout
    assert ("--no-" in told, "--empty-" in told) == (False, False)


def new_token(data: str, *options: str) -> tuple[str, str]:
    """A new token's id and secret."""
    result = run(
        "token", "create", "--district", DISTRICT, "--application", "Maths app", "--data", data, *options
    )
    assert result.returncode == 0, result.stderr
    match = re.search(r"Token (\S+) .*\n\n +(\S+)\n", result.stdout)
    assert match
    return match[1], match[2]


def status(server: Server, token: str) -> int:
    client = Client(server.port, token)
    try:
        return client.get(f"/v3.1/sections/{SECTION}").status
    finally:
        client.close()


def test_a_new_token_opens_its_district_at_once(server: Server, data: str) -> None:
    _, secret = new_token(data)
    assert status(server, secret) == 200


def test_a_revoked_token_opens_nothing_at_once(server: Server, data: str) -> None:
    token_id, secret = new_token(data)
    before = status(server, secret)
    # A process of its own: it ends later than the server remembers a token (20 ms).
    running.real("token", "revoke", token_id, "--data", data)
    assert (before, status(server, secret)) == (200, 403)


def test_an_expired_token_opens_nothing(server: Server, data: str) -> None:
    _, secret = new_token(data, "--expires-in", "0s")
    assert status(server, secret) == 403


def test_a_rotated_token_stays_good_for_the_overlap(server: Server, data: str) -> None:
    token_id, old = new_token(data)
    result = run("token", "rotate", token_id, "--overlap", "1h", "--data", data)
    new = result.stdout.split("\n")[2].strip()
    assert (status(server, old), status(server, new)) == (200, 200)


def test_a_token_rotated_without_overlap_ends_at_once(server: Server, data: str) -> None:
    token_id, old = new_token(data)
    run("token", "rotate", token_id, "--overlap", "0s", "--data", data)
    assert status(server, old) == 403


def test_a_token_is_kept_only_as_a_hash(server: Server, data: str) -> None:
    _, secret = new_token(data)
    kept = b"".join(path.read_bytes() for path in Path(data).iterdir())
    assert secret.encode() not in kept


def test_tokens_are_listed_without_their_secrets(server: Server, data: str) -> None:
    token_id, secret = new_token(data)
    run("token", "revoke", token_id, "--data", data)
    output = run("token", "list", "--data", data).stdout
    (line,) = [line for line in output.splitlines() if token_id in line]
    assert ("revoked" in line, "Maths app" in line, secret in output) == (True, True, False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["create", "--district", "nowhere", "--application", "x"], "no district nowhere"),
        (["create", "--district", DISTRICT, "--application", " "], "the application needs a name"),
        (
            ["create", "--district", DISTRICT, "--application", "x", "--expires-in", "soon"],
            "'soon' is not a duration",
        ),
        (["create", "--district", DISTRICT, "--application", "a\nb"], "on one line"),
        (["revoke", "nothing"], "there is no token nothing"),
        (["rotate", "nothing"], "there is no token nothing"),
    ],
)
def test_what_a_token_command_cannot_do_is_named(
    server: Server, data: str, arguments: list[str], message: str
) -> None:
    result = run("token", *arguments, "--data", data)
    assert (result.returncode, message in result.stderr) == (2, True), result.stderr


def test_arguments_that_are_not_text_are_named(data: str) -> None:
    result = running.real(
        "token", "create", "--district", DISTRICT, "--application", "\udcff", "--data", data
    )
    assert (result.returncode, "must be UTF-8" in result.stderr) == (2, True), result.stderr


def test_a_teachers_edits_are_seen_by_the_next_get(server: Server, data: str) -> None:
    path = server.client.create()
    assignment_id = path.rsplit("/", 1)[1]
    run("gradebook", "edit", assignment_id, "--title", "Edited", "--no-published", "--data", data)
    read = server.client.get(path).data
    assert (read["title"], read["state"], read["points_possible"]) == ("Edited", "draft", 20)


def test_a_teachers_grade_is_seen_by_the_next_get(server: Server, data: str) -> None:
    path = server.client.create()
    assignment_id = path.rsplit("/", 1)[1]
    run(
        "gradebook",
        "grade",
        assignment_id,
        STUDENT,
        "--points",
        "17.5",
        "--comment",
        "Good",
        "--excused",
        "--data",
        data,
    )
    read = server.client.get(f"{path}/submissions/{STUDENT}").data
    assert (read["grade_points"], read["grade_comment"], read["flags"]) == (17.5, "Good", ["excused"])


def test_a_teachers_deletion_is_seen_by_the_next_get(server: Server, data: str) -> None:
    path = server.client.create()
    run("gradebook", "delete", path.rsplit("/", 1)[1], "--data", data)
    reply = server.client.get(path)
    assert (reply.status, reply.body) == (404, b'{"message":"Assignment does not exist"}')


def test_who_left_the_section_is_not_found_and_comes_back_with_the_grade(server: Server, data: str) -> None:
    path = f"{server.client.create()}/submissions/{STUDENT}"
    server.client.patch(path, {"grade_points": 5})
    run("gradebook", "unenroll", SECTION, STUDENT, "--data", data)
    left = server.client.get(path)
    run("gradebook", "enroll", SECTION, STUDENT, "--data", data)
    assert (left.status, left.json["message"]) == (404, "User not found")
    assert server.client.get(path).data["grade_points"] == 5


def test_the_gradebook_can_be_looked_at(server: Server, data: str) -> None:
    path = server.client.create(title="Essay\x1b[31m one")
    server.client.patch(f"{path}/submissions/{STUDENT}", {"grade_points": 5, "grade_comment": "line\nbreak"})
    assignment_id = path.rsplit("/", 1)[1]
    listed = run("gradebook", "list", SECTION, "--data", data).stdout
    shown = run("gradebook", "show", assignment_id, "--data", data).stdout
    assert assignment_id in listed
    assert "\x1b" not in listed + shown
    assert re.search(rf"{STUDENT} +created +5 +5 .*  line break\n", shown)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["list", "nowhere"], "no section nowhere"),
        (["show", "nothing"], "no assignment nothing"),
        (["edit", "{id}"], "nothing to change"),
        (["edit", "{id}", "--due-date", "tomorrow"], "'tomorrow' is not a date: write it as 2031-05-01"),
        (["edit", "{id}", "--end-date", "2020-01-01"], "the due date must not be after the end date"),
        (["edit", "{id}", "--points-possible", "NaN"], "'NaN' is not a number of points"),
        (["grade", "{id}", STUDENT, "--grade", "A"], "'A' is not a number of points"),
        (["grade", "{id}", TEACHER, "--grade", "5"], "not in the section"),
        (["grade", "{id}", STUDENT, "--grader", STUDENT, "--grade", "5"], "not a teacher"),
        (
            ["grade", "{id}", STUDENT, "--state", "reclaimed"],
            "a submission cannot go from created to reclaimed",
        ),
        (["enroll", SECTION, "nobody"], "no user nobody"),
        (["unenroll", SECTION, "nobody"], "user nobody is not a member"),
    ],
)
def test_what_a_gradebook_command_cannot_do_is_named(
    server: Server, data: str, arguments: list[str], message: str
) -> None:
    assignment_id = server.client.create().rsplit("/", 1)[1]
    result = run("gradebook", *(argument.format(id=assignment_id) for argument in arguments), "--data", data)
    assert (result.returncode, message in result.stderr) == (2, True), result.stderr


def test_the_server_goes_on_after_a_client_that_hangs_up_in_the_middle(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"POST /v3.1/x HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc")
    connection2 = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection2.request("GET", "/health/ready")
    assert connection2.getresponse().status == 200
    connection2.close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Windows has no pipes that break like these")
def test_one_whose_output_nobody_reads_to_its_end_says_nothing_more() -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as output:
        ended = subprocess.run(
            running.command("key", "new"),
            stdout=output, stderr=subprocess.PIPE, timeout=30, check=False, env=ENVIRONMENT,
        )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (1, b"")
