"""The operators' guides: their commands, run as a reader would who puts their own ids and files in."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from passback.delivery import ledger
from passback.domain.clock import system_clock
from passback.store.engine.database import Connection
from passback.testing.served import Served
from passback.testing.served import serving as served_simulator
from passback_simulators.google_classroom.app import ClassroomSimulator
from passback_simulators.moodle.app import MoodleSimulator
from passback_simulators.schoology.app import SchoologySimulator
from passback_simulators.simulator import Simulator
from support import commands as running
from support.blocks import blocks, commands
from support.delivery import delivery
from support.filled import SLATE_KEY, filled_folder
from support.programs import program
from support.rosters import CLEVER, zipped
from support.sandbox import DISTRICT, SECTION, STUDENT

LMSS: Mapping[str, type[Simulator]] = {
    "moodle": MoodleSimulator, "schoology": SchoologySimulator, "google": ClassroomSimulator,
}  # fmt: skip


@dataclass
class Reader:
    """An operator with a data folder, in which there is one of everything, and a folder of files."""

    folder: Path
    words: dict[str, str] = field(default_factory=dict)
    """What stands in the guides for what the reader puts in, by what it looks like there."""
    environment: dict[str, str] = field(default_factory=dict)

    def give(self, script: str) -> str:
        """Give the commands of a script, with the variables that it sets; what they print."""
        for name, value in re.findall(r"(?m)(?:^|(?<=export ))(PASSBACK_\w+)=(\S+)", script):
            self.environment[name] = value.strip('"').replace("...", "a-secret")
        return "".join(self.run(*words) for words in commands(script))

    def run(self, *words: str) -> str:
        for pattern, value in self.words.items():
            words = tuple(re.sub(pattern, value, it) for it in words)
        given = {**running.ENVIRONMENT, "PASSBACK_DATA": str(self.folder), **self.environment}
        done = running.run(*words, environment=given)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """The data folder of a gateway, with a built-in gradebook and a connected LMS."""
    folder = tmp_path_factory.mktemp("data")
    with filled_folder(folder, _deliver) as held:
        reader = Reader(folder, {"^ASSIGNMENT_ID$": held.assignment, "^WEBHOOK_ID$": held.webhook})
        connected = reader.run(
            "connect", "slate", "--name", "Slate", "--address", held.slate.url, "--set", SLATE_KEY, "--json"
        )  # fmt: skip
        district = json.loads(connected)["district_id"]
        reader.run("roster", "import", "--from-lms", "--district", district)
        everyone = reader.run("match", "status", "--all", "--district", district)
        [(ours, theirs)] = re.findall(r"([0-9a-f]{24}) .* (student-1) \(by", everyone)
        token = reader.run("token", "create", "--district", DISTRICT, "--application", "App", "--json")
        roster = str(zipped(folder / "roster.zip", CLEVER))
        reader.words |= {
            "^SECTION_ID$": SECTION, "^(STUDENT|USER)_ID$": STUDENT, "^ID$": district, r"^4fee\.\.\.$": DISTRICT,
            "^OUR_ID$": ours, "^LMS_ID$": theirs, r"^roster\.zip$": roster, r"^019aafe2-\.\.\.$": "d1",
            r"^019aaf\.\.\.$": json.loads(token)["id"], "^KIND$": "auto",
        }  # fmt: skip
        yield reader


def _deliver(conn: Connection) -> None:
    ledger.accept(conn, delivery("d1", {"grade_points": "5"}))


@pytest.fixture
def reader(filled: Reader) -> Reader:
    """The same, with no variables set yet."""
    return Reader(filled.folder, dict(filled.words))


def test_the_gradebooks_commands(reader: Reader) -> None:
    [shown] = blocks("docs/how-to/act-as-the-teacher.md", "sh")
    before, deletion, after = shown.text.partition("passback gradebook delete")
    reader.give(before)
    assert "Well argued" in reader.run("gradebook", "show", "ASSIGNMENT_ID")
    reader.give(deletion + after)


def test_the_commands_of_rosters(reader: Reader) -> None:
    dry_run, early, from_lms = blocks("docs/how-to/load-a-roster.md", "sh")
    made = json.loads(reader.run("connect", "builtin", "--name", "Files", "--json"))["district_id"]
    reader.words[r"^4fee\.\.\.$"] = made
    assert "Done." in reader.give(dry_run.text)
    reader.give(early.text)
    reader.words[r"^4fee\.\.\.$"] = reader.words["^ID$"]
    assert "The roster of Slate" in reader.give(from_lms.text)


def test_the_commands_of_matches(reader: Reader) -> None:
    shown, by = blocks("docs/how-to/match-a-roster.md", "sh")
    reader.give(re.sub(r"(?m)^passback match (review|set|clear).*\n", "", shown.text))
    [set_one, clear] = re.findall(r"(?m)^passback match (?:set|clear) .*$", shown.text)
    assert "match" in reader.give(clear + "\n" + set_one)
    reader.give(by.text)


@pytest.mark.parametrize(
    "page",
    ["docs/how-to/sync-with-the-lms.md", "docs/how-to/manage-tokens.md", "docs/how-to/look-after-deliveries.md",
     "docs/how-to/use-the-console.md"],
)  # fmt: skip
def test_the_commands_of_a_guide(page: str, reader: Reader) -> None:
    if page.endswith("sync-with-the-lms.md"):
        reader.words[r"^4fee\.\.\.$"] = reader.words["^ID$"]
    for number, shown in enumerate(blocks(page, "sh")):
        reader.words["^ada@example.org$"] = f"ada{number}@example.org"
        assert reader.give(shown.text)


def test_the_commands_of_webhooks(reader: Reader) -> None:
    shown = blocks("docs/how-to/receive-webhooks.md", "sh")[-1].text
    assert "http://127.0.0.1:9" in reader.give(shown.replace("[--district ID]", f"--district {DISTRICT}"))


def test_what_is_shown_as_json_can_be_read_by_jq(reader: Reader) -> None:
    [shown] = blocks("docs/reference/json-output.md", "sh")
    command, _, jq = shown.text.partition(" | jq ")
    rows = reader.give(command)
    found = program("jq")
    subprocess.run(["sh", "-ec", f"{found} {jq}"], input=rows, text=True, check=True, capture_output=True)


def test_backups_are_made_and_restored_as_the_guide_says(reader: Reader, tmp_path: Path) -> None:
    _, backup, restored, _ = (it.text for it in blocks("docs/how-to/run.md", "sh"))
    reader.words |= {"^/var/lib/passback$": str(reader.folder)}
    reader.words |= {
        r"^/backups/.*\.db$": str(tmp_path / "copy.db"),
        r"^/backups/.*\$.*": str(tmp_path / "copy.db"),
    }
    made, back = backup.splitlines()
    reader.give(made.replace("$(date +%F)", "today"))
    reader.give(back)
    reader.give(restored)


def test_the_link_for_lti_is_made_as_the_guide_says(reader: Reader) -> None:
    address, link, _, _ = (it.text for it in blocks("docs/how-to/connect-by-lti.md", "sh"))
    [reference] = blocks("docs/reference/lms/lti.md", "sh")
    assert "https://passback.example/" in reader.give(address + link)
    assert reference.text == link


@pytest.mark.parametrize("kind", LMSS)
def test_an_lms_is_connected_as_its_guide_says(kind: str, reader: Reader, tmp_path: Path) -> None:
    page = {"google": "google-classroom"}.get(kind, kind)
    [guide] = blocks(f"docs/how-to/connect-{page}.md", "sh")
    [reference] = blocks(f"docs/reference/lms/{page.replace('-', '_')}.md", "sh")
    simulator = LMSS[kind](system_clock)
    simulator.start()
    with ExitStack() as stack:
        lms: Served = stack.enter_context(served_simulator(simulator))
        credentials, options = (
            simulator.connection_credentials(lms.url),
            simulator.connection_options(lms.url),
        )
        for name, value in {**credentials, **options}.items():
            held = tmp_path / name
            held.write_text(value, "utf-8")
            reader.words[rf"^{name}=(@?).*$"] = f"{name}=@{held}"
        reader.words["^https://moodle.example.org$"] = lms.url
        address = "" if kind == "moodle" else f" --address {lms.url}"
        made = reader.give(guide.text.strip() + address)
        assert "ok " in made
        reader.words["^ID$"] = re.findall(r"[0-9a-f]{24}", made)[0]
        assert "ok " in reader.give(reference.text.strip() + address)


def test_a_district_is_connected_to_the_built_in_gradebook_as_the_guide_says(reader: Reader) -> None:
    _, builtin = blocks("docs/how-to/connect-a-district.md", "sh")
    reader.give(builtin.text)
    assert "Elm Schools" in reader.run("district", "list")


def test_a_connection_is_checked_as_the_guide_says(reader: Reader) -> None:
    _, check = blocks("docs/how-to/connect-canvas.md", "sh")
    assert "ok " in reader.give(check.text)
