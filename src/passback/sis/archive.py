"""A roster's files, in a zip archive or folder: untrusted input, so read with limits and only as UTF-8."""

from __future__ import annotations

import codecs
import errno
import hashlib
import io
import re
import stat
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import IO, Protocol, cast

from passback.sis.records import OLD_LINE_ENDS, Record, split_records
from passback.sis.rows import Problems, UnusableFile

MOST_BYTES = 16 * 2**30
"""The limit for all files together: a district of a million students takes about 1 GiB."""
MOST_RATIO = 200
"""The highest compression ratio that is accepted. Rosters reach about 15, zip bombs a thousand."""
_RATIO_FROM_BYTES = 10 * 2**20
_LONGEST_LINE = 64 * 1024
_DAMAGED = "the file is damaged: export it again, or zip the files again"
NOT_UTF_8 = re.compile(r"[\ud800-\udfff]")
"""Stands in a text for each byte that is not UTF-8."""
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class RosterFiles(Protocol):
    """CSV files."""

    @property
    def sizes(self) -> Mapping[str, int]:
        """The length in bytes of each file, by its name in lower case."""
        ...

    @property
    def bytes_read(self) -> int:
        """How many bytes have been read so far."""
        ...

    def records(self, name: str, problems: Problems) -> Iterator[list[Record]]:
        """The rows of a file, some at a time, with the columns' names first."""
        ...


class Archive:
    """An open zip archive or folder. Raises `UnusableFile` if it is neither."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._zip: zipfile.ZipFile | None = None
        self.bytes_read = 0
        self.sizes: dict[str, int] = {}
        """The length in bytes of each CSV file, by its name in lower case, since case does not matter."""
        self._stored: dict[str, str] = {}
        for name, size in sorted(self._files().items()):
            key = PurePosixPath(name.replace("\\", "/")).name.lower()
            if not key.endswith(".csv"):
                continue
            if key in self.sizes:
                raise UnusableFile(
                    f"{path} holds {self._stored[key]} and {name}, whose names differ only in case: remove one"
                )
            self.sizes[key], self._stored[key] = size, name
        if sum(self.sizes.values()) > MOST_BYTES:
            raise UnusableFile(f"{path} holds more than {MOST_BYTES // 2**30} GiB: is it a roster?")

    def _files(self) -> dict[str, int]:
        try:
            mode = self._path.stat().st_mode
            if stat.S_ISDIR(mode):
                return {item.name: item.stat().st_size for item in self._path.iterdir() if item.is_file()}
            if stat.S_ISREG(mode):
                return self._open_zip()
        except FileNotFoundError:
            raise UnusableFile(f"there is no file {self._path}") from None
        except OSError as error:
            raise UnusableFile(f"{self._path} cannot be read: {error.strerror or error}") from None
        raise UnusableFile(f"{self._path} is neither a zip archive nor a folder")  # a device might never end

    def _open_zip(self) -> dict[str, int]:
        try:
            archive = self._zip = zipfile.ZipFile(self._path)
        except (zipfile.BadZipFile, NotImplementedError, ValueError):
            raise UnusableFile(f"{self._path} is not a readable zip archive: export it again") from None
        files: dict[str, int] = {}
        folders: dict[str, dict[str, int]] = {}
        for item in archive.infolist():
            name = PurePosixPath(item.filename.replace("\\", "/"))
            if not item.filename or item.is_dir() or name.name.startswith("._") or "__MACOSX" in name.parts:
                continue
            if item.flag_bits & 1:
                raise UnusableFile(f"{self._path} is encrypted: zip the files without a password")
            inside = folders.setdefault(str(name.parent), {}) if len(name.parts) > 1 else files
            if item.filename in inside:
                raise UnusableFile(f"{self._path} holds {item.filename} twice: zip the files again")
            if item.file_size > _RATIO_FROM_BYTES and item.file_size > MOST_RATIO * item.compress_size:
                raise UnusableFile(
                    f"{item.filename} in {self._path} grows from {item.compress_size} to {item.file_size} bytes: no"
                    " roster compresses that well, so it may be a zip bomb"
                )
            inside[item.filename] = item.file_size
        if files or not folders:
            return files
        if len(folders) > 1:
            raise UnusableFile(
                f"the files in {self._path} are in several folders, {' and '.join(sorted(folders)[:2])}: zip one of"
                " them"
            )
        return next(iter(folders.values()))  # the folder was zipped, not the files

    def close(self) -> None:
        """Close the archive."""
        if self._zip is not None:
            self._zip.close()

    def records(self, name: str, problems: Problems) -> Iterator[list[Record]]:
        """The rows of a file, some at a time, with the columns' names first. See `blocks`."""
        return split_records(self.blocks(name, problems), name, problems)

    def blocks(self, name: str, problems: Problems) -> Iterator[str]:
        """The text of a file, some whole lines at a time; `NOT_UTF_8` may stand in it.

        Stops at a line that cannot be read, and reports it.
        """
        try:
            with self._open(name) as file:
                for block in self._checked(name, file, problems):
                    yield block.decode("utf-8", "surrogateescape")
        except NotImplementedError:
            problems.stop_file(name, 0, "", "its compression is not supported: zip the files again")
        except OSError as error:
            damaged = error.errno in (None, errno.EINVAL)  # from bzip2, or a seek to a bad offset
            problems.stop_file(
                name, 0, "", _DAMAGED if damaged else f"the file cannot be read ({error.strerror})"
            )
        except (zipfile.BadZipFile, EOFError, ValueError):
            problems.stop_file(name, 0, "", _DAMAGED)
        except Exception as error:  # from compression modules, which a Python may lack
            if type(error).__module__ not in ("zlib", "_lzma"):
                raise
            problems.stop_file(name, 0, "", _DAMAGED)

    def digest(self) -> str | None:
        """What tells these files from others; None if one cannot be read."""
        found, problems = hashlib.sha256(), Problems()
        for name in self.sizes:
            found.update(f"{name}\0{self.sizes[name]}\0".encode("utf-8", "surrogateescape"))
            for block in self.blocks(name, problems):
                found.update(block.encode("utf-8", "surrogateescape"))
        self.bytes_read = 0
        return None if problems.count else found.hexdigest()

    def _open(self, name: str) -> IO[bytes]:
        if self._zip is None:
            return (self._path / self._stored[name.lower()]).open("rb")
        return io.BufferedReader(
            cast("io.RawIOBase", self._zip.open(self._stored[name.lower()]))
        )  # ZipExtFile itself would split lines at its buffer's end

    def _checked(self, name: str, file: IO[bytes], problems: Problems) -> Iterator[bytes]:
        """Whole lines, the first alone, up to one that cannot be read."""
        left = self.sizes[name.lower()]
        number = 1
        for lines in _whole_lines(file):
            self.bytes_read += len(lines)
            if number == 1:
                if lines.startswith(_UTF_16) or b"\0" in lines:
                    problems.stop_file(name, 1, "", "the file is UTF-16 or not text at all: save it as UTF-8")
                    return
                if b"\r" in lines.rstrip(b"\r\n"):
                    problems.stop_file(name, 1, "", OLD_LINE_ENDS)
                    return
            if len(lines) == _LONGEST_LINE and b"\n" not in lines[:-1]:
                problems.stop_file(
                    name,
                    number,
                    "",
                    f"the line is longer than {_LONGEST_LINE:,} bytes: shorten its longest value, or remove that column"
                    " if it is not needed",
                )
                return
            fits = lines if len(lines) <= left else lines[: lines.rfind(b"\n", 0, left) + 1]
            left -= len(fits)
            yield _without_inner_cr(fits.removeprefix(codecs.BOM_UTF8) if number == 1 else fits)
            number += fits.count(b"\n")
            if fits is not lines:
                problems.stop_file(
                    name, number, "", "the file is longer than the archive says: zip the files again"
                )
                return


def _whole_lines(file: IO[bytes]) -> Iterator[bytes]:
    """The first line, then the others in blocks. One that is too long comes in pieces of that length."""
    yield file.readline(_LONGEST_LINE)
    rest = b""
    while more := file.read(_LONGEST_LINE - len(rest)):
        lines = rest + more
        end = lines.rfind(b"\n") + 1 or len(lines) // _LONGEST_LINE * _LONGEST_LINE
        if end:
            yield lines[:end]
        rest = lines[end:]
    if rest:
        yield rest


def _without_inner_cr(lines: bytes) -> bytes:
    """Lines with blanks instead of the CRs within values, as of any control character."""
    if lines.count(b"\r") == lines.count(b"\r\n"):
        return lines
    cleaned = []
    for line in lines.split(b"\n"):
        content = line.rstrip(b"\r")
        cleaned.append(content.replace(b"\r", b" ") + line[len(content) :])
    return b"\n".join(cleaned)
