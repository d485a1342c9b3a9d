"""Archives that are unusable or malicious."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from passback.sis.archive import Archive
from passback.sis.formats import format_of
from passback.sis.rows import Problems, UnusableFile
from support.rosters import CLEVER, ONEROSTER_11, changed, text, zipped


def no_zip(path: Path) -> Path:
    path.write_bytes(b"PK\x03\x04 not really")
    return path


def missing(path: Path) -> Path:
    return path


def bomb(path: Path) -> Path:
    return zipped(path, {**CLEVER, "students.csv": b"0" * 20_000_000})


def in_two_folders(path: Path) -> Path:
    return zipped(path, {f"export-{len(name) % 2}/{name}": table for name, table in CLEVER.items()})


def twice(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("schools.csv", text(CLEVER["schools.csv"]))
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("schools.csv", text(CLEVER["schools.csv"]))
    return path


def encrypted(path: Path) -> Path:
    zipped(path, {"schools.csv": "x"})
    content = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1
    path.write_bytes(content)
    return path


def two_cases(path: Path) -> Path:
    return zipped(path, {**CLEVER, "Students.csv": CLEVER["students.csv"]})


def pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path


def device(path: Path) -> Path:
    return Path("/dev/zero")


def too_long(path: Path) -> Path:
    return path.with_name("x" * 300)


def no_folder(path: Path) -> Path:
    path.write_text("x")
    return path / "roster.zip"


def loop(path: Path) -> Path:
    path.symlink_to(path)
    return path


def something_else(path: Path) -> Path:
    return zipped(path, {"grades.csv": "x"})


def a_file_missing(path: Path) -> Path:
    return zipped(path, {name: table for name, table in CLEVER.items() if name != "teachers.csv"})


def old_version(path: Path) -> Path:
    return zipped(path, changed(ONEROSTER_11, "manifest.csv", 3, "value", "1.0"))


def delta(path: Path) -> Path:
    return zipped(path, changed(ONEROSTER_11, "manifest.csv", 8, "value", "delta"))


def stated_but_missing(path: Path) -> Path:
    return zipped(path, {name: table for name, table in ONEROSTER_11.items() if name != "users.csv"})


def absent(path: Path) -> Path:
    return zipped(path, changed(ONEROSTER_11, "manifest.csv", 8, "value", "absent"))


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (no_zip, "not a readable zip archive"), (missing, "there is no file"), (bomb, "zip bomb"),
        (in_two_folders, "in several folders, export-0 and export-1"), (twice, "schools.csv twice"), (encrypted, "without a password"),
        (something_else, "it has grades.csv"), (a_file_missing, "there is no teachers.csv"),
        (old_version, "OneRoster 1.0: export 1.1 or 1.2"), (delta, "not only what has changed"),
        (two_cases, "Students.csv and students.csv, whose names differ only in case"),
        (pipe, "neither a zip archive nor a folder"), (device, "neither a zip archive nor a folder"),
        (too_long, "cannot be read: File name too long"), (no_folder, "cannot be read: Not a directory"),
        (loop, "cannot be read: Too many levels"), (stated_but_missing, "lists users.csv, but the file is missing"), (absent, "users.csv is absent"),
    ],
)  # fmt: skip
def test_an_archive_that_cannot_be_used_says_why(
    tmp_path: Path, make: Callable[[Path], Path], why: str
) -> None:
    with pytest.raises(UnusableFile, match=why):
        format_of(Archive(make(tmp_path / "roster.zip")))


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_file_is_a_problem(tmp_path: Path, method: int) -> None:
    path = tmp_path / "roster.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("students.csv", "\n".join(map(str, range(100_000))))
    content = bytearray(path.read_bytes())
    begin = content.index(b"students.csv") + 100
    content[begin : begin + 50] = b"\xff" * 50
    path.write_bytes(content)
    problems = Problems()
    list(Archive(path).blocks("students.csv", problems))
    assert [str(problem) for problem in problems.first] == [
        "students.csv: the file is damaged: export it again, or zip the files again"
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("name", ["", "students.csv"])
def test_a_file_without_permission_says_so(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "roster"
    folder.mkdir()
    for file, table in CLEVER.items():
        (folder / file).write_text(text(table))
    (folder / name).chmod(0)
    problems = Problems()
    with (
        pytest.raises(UnusableFile, match="cannot be read: Permission denied") if not name else nullcontext()
    ):
        list(format_of(Archive(folder)).rows(problems))
    folder.chmod(0o700)
    assert [str(problem) for problem in problems.first] == (
        ["students.csv: the file cannot be read (Permission denied)"] if name else []
    )


def test_a_file_that_vanishes_is_a_problem(tmp_path: Path) -> None:
    for file, table in CLEVER.items():
        (tmp_path / file).write_text(text(table))
    files, problems = format_of(Archive(tmp_path)), Problems()
    (tmp_path / "students.csv").unlink()
    list(files.rows(problems))
    assert [str(problem) for problem in problems.first] == [
        "students.csv: the file cannot be read (No such file or directory)"
    ]


def test_a_compression_that_python_does_not_know_is_a_problem(tmp_path: Path) -> None:
    path = zipped(tmp_path / "roster.zip", {"students.csv": "x"})
    content = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        content[content.index(signature) + offset] = 9  # Deflate64
    path.write_bytes(content)
    problems = Problems()
    list(Archive(path).blocks("students.csv", problems))
    [problem] = problems.first
    assert "compression is not supported" in problem.message


@pytest.mark.parametrize("folder", ["export/", "a b/2026-11/", "export\\"])
def test_a_folder_may_have_been_zipped(tmp_path: Path, folder: str) -> None:
    inside = {f"{folder}{name}": table for name, table in CLEVER.items()}
    archive = Archive(zipped(tmp_path / "roster.zip", {**inside, "__MACOSX/export/._users.csv": "x"}))
    problems = Problems()
    assert sum(len(rows) for _, rows in format_of(archive).rows(problems)) == 10
    assert problems.count == 0


def test_a_folder_works_too(tmp_path: Path) -> None:
    for name, table in CLEVER.items():
        (tmp_path / name).write_text(text(table))
    assert format_of(Archive(tmp_path)).name == "The five files of Clever's SFTP sync"


def test_a_file_longer_than_the_archive_states_is_cut(tmp_path: Path) -> None:
    """The length that an archive states is not trusted."""
    path = zipped(tmp_path / "roster.zip", {"schools.csv": "x\n" * 1000})
    archive = Archive(path)
    archive.sizes["schools.csv"] = 10
    problems = Problems()
    assert "".join(archive.blocks("schools.csv", problems)) == "x\n" * 5
    assert "longer than the archive says" in problems.first[0].message


def test_a_file_without_a_name_is_ignored(tmp_path: Path) -> None:
    path = zipped(tmp_path / "roster.zip", {"XYZ": "x", "schools.csv": "x"})
    path.write_bytes(path.read_bytes().replace(b"XYZ", b"\0YZ"))
    assert Archive(path).sizes == {"schools.csv": 1}


def test_text_is_read_in_whole_lines_the_first_alone(tmp_path: Path) -> None:
    path = zipped(tmp_path / "roster.zip", {"schools.csv": "a,b\r\n" + "1,2\r\n" * 20_000})
    first, *others = Archive(path).blocks("schools.csv", Problems())
    assert first == "a,b\r\n"
    assert len(others) > 1
    assert all(it.endswith("\n") for it in others)
    assert "".join(others) == "1,2\r\n" * 20_000
