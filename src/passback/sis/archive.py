"""The files of a roster, in a zip archive or a folder, read as what outsiders made: with bounds, and as UTF-8 alone."""

from __future__ import annotations

import codecs
import errno
import io
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, cast

from passback.sis.rows import Problems, UnusableFile

MOST_BYTES = 16 * 2**30
"""The most that all files may hold together: a district of a million students takes about 1 GiB."""
MOST_RATIO = 200
"""How many times as long as its compressed form a file may be. Rosters reach about 15; bombs a thousand."""
_RATIO_FROM_BYTES = 10 * 2**20
_LONGEST_LINE = 64 * 1024
_DAMAGED = "it is damaged: export it anew, or zip the files anew"
OLD_LINE_ENDS = "its lines end as on old Macs (with CR alone)"
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Archive:
    """An open zip archive or folder. Raises `UnusableFile` for what is neither."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._zip: zipfile.ZipFile | None = None
        self.bytes_read = 0
        self.sizes: dict[str, int] = {}
        """The length in bytes of each CSV file, by its name in lower case: a file is found in any."""
        self._stored: dict[str, str] = {}
        for name, size in sorted(self._files().items()):
            key = name.lower()
            if not key.endswith(".csv"):
                continue
            if key in self.sizes:
                raise UnusableFile(
                    f"{path} holds {self._stored[key]} and {name}, whose names differ in case alone: remove one"
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
        raise UnusableFile(f"{self._path} is neither a zip archive nor a folder")  # it might never end

    def _open_zip(self) -> dict[str, int]:
        try:
            archive = self._zip = zipfile.ZipFile(self._path)
        except (zipfile.BadZipFile, NotImplementedError, ValueError):
            raise UnusableFile(
                f"{self._path} is no zip archive that can be read: export it anew, or name the folder of the files"
            ) from None
        files: dict[str, int] = {}
        folders = set()
        for item in archive.infolist():
            name = PurePosixPath(item.filename.replace("\\", "/"))
            if not item.filename or item.is_dir() or name.name.startswith("._") or "__MACOSX" in name.parts:
                continue
            if item.flag_bits & 1:
                raise UnusableFile(f"{self._path} is encrypted: zip the files without a password")
            if len(name.parts) > 1:
                folders.add(str(name.parent))
                continue
            if item.filename in files:
                raise UnusableFile(f"{self._path} holds {item.filename} twice: zip the files anew")
            if item.file_size > _RATIO_FROM_BYTES and item.file_size > MOST_RATIO * item.compress_size:
                raise UnusableFile(
                    f"{item.filename} in {self._path} is {item.file_size} bytes long and was {item.compress_size}: no"
                    " roster is like that; it may be meant to fill the memory"
                )
            files[item.filename] = item.file_size
        if not files and folders:
            raise UnusableFile(
                f"the files in {self._path} are in the folder {min(folders)}: zip the files themselves, without it"
            )
        return files

    def close(self) -> None:
        """Close the archive."""
        if self._zip is not None:
            self._zip.close()

    def lines(self, name: str, problems: Problems) -> Iterator[str]:
        """The lines of a file. One that cannot be read is a problem, and the file's last."""
        try:
            with self._open(name) as file:
                yield from self._decoded(name, file, problems)
        except NotImplementedError:
            problems.end(name, 0, "", "it is compressed in a way that is not known here: zip the files anew")
        except OSError as error:
            damaged = error.errno in (None, errno.EINVAL)  # of bzip2, and of places that are none
            problems.end(name, 0, "", _DAMAGED if damaged else f"it cannot be read ({error.strerror})")
        except (zipfile.BadZipFile, EOFError, ValueError):
            problems.end(name, 0, "", _DAMAGED)
        except Exception as error:  # of the compressions, not all of which every Python has
            if type(error).__module__ not in ("zlib", "_lzma"):
                raise
            problems.end(name, 0, "", _DAMAGED)

    def _open(self, name: str) -> IO[bytes]:
        if self._zip is None:
            return (self._path / self._stored[name.lower()]).open("rb")
        return io.BufferedReader(
            cast("io.RawIOBase", self._zip.open(self._stored[name.lower()]))
        )  # its own lines end where its buffer does

    def _decoded(self, name: str, file: IO[bytes], problems: Problems) -> Iterator[str]:
        most = self.sizes[name.lower()]
        read = 0
        number = 0
        while raw := file.readline(_LONGEST_LINE):
            number += 1
            read += len(raw)
            self.bytes_read += len(raw)
            if number == 1:
                if raw.startswith(_UTF_16) or b"\0" in raw:
                    problems.end(name, 1, "", "it is UTF-16, or no text at all: save it as UTF-8")
                    return
                if b"\r" in raw.rstrip(b"\r\n"):
                    problems.end(name, 1, "", f"{OLD_LINE_ENDS}: save it with those of Windows or Unix")
                    return
                raw = raw.removeprefix(codecs.BOM_UTF8)
            if len(raw) == _LONGEST_LINE:
                problems.end(
                    name,
                    number,
                    "",
                    f"the line is longer than {_LONGEST_LINE:,} bytes: shorten its longest value, or remove that column"
                    " where nobody needs it",
                )
                return
            if read > most:
                problems.end(name, number, "", "there is more than the archive says: zip the files anew")
                return
            try:
                yield raw.decode("utf-8")
            except UnicodeDecodeError as error:
                problems.end(
                    name,
                    number,
                    "",
                    f"byte {error.start + 1} is not UTF-8 (it may be Windows-1252): save the file as UTF-8",
                )
                return
