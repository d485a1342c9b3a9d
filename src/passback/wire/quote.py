"""Go's three ways of quoting a refused value in its messages."""

from __future__ import annotations

_SHORT = {
    "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v",
    '"': '\\"', "\\": "\\\\",
}  # fmt: skip


def quoted(value: bytes | str) -> str:
    r"""Quote `value` as Go's ``%q`` and `strconv` do: printable characters unchanged, bad UTF-8 as ``\xff``."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "surrogateescape")
    if value.isprintable() and '"' not in value and "\\" not in value:
        return f'"{value}"'
    return f'"{"".join(map(_escaped, value))}"'


def _escaped(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    # "Printable" means the same in both languages: letters, marks, numbers, punctuation, symbols and the ASCII space.
    if character.isprintable():
        return character
    code = ord(character)
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8, as "surrogateescape" keeps it
        return f"\\x{code - 0xDC00:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _quoted_byte(byte: int) -> str:
    if byte == ord("'"):
        return r"'\''"
    if byte == ord('"'):
        return "'\"'"
    return f"'{_escaped(chr(byte))}'"


_QUOTED_BYTES = tuple(map(_quoted_byte, range(256)))


def quoted_byte(byte: int) -> str:
    """Quote `byte` as Go's JSON scanner does an unexpected one: in single quotes, as Latin-1."""
    return _QUOTED_BYTES[byte]


_TIME_ESCAPES = {
    **{byte: f"\\x{byte:02x}" for byte in range(256) if byte < 0x20 or byte >= 0x80},
    **{ord(character): "\\" + character for character in '"\\'},
}


def quoted_time(text: str) -> str:
    r"""Quote `text` as Go's `time` package does: every byte of a control or non-ASCII character as ``\xNN``."""
    as_bytes = text.encode("utf-8", "surrogateescape").decode("latin-1")
    return f'"{as_bytes.translate(_TIME_ESCAPES)}"'
