"""What browsers send, as text."""

from __future__ import annotations

from starlette.datastructures import FormData


def text(value: str) -> str:
    """A value without blanks around it, and without what no database keeps in a text."""
    return value.replace("\0", "").strip()


def texts(form: FormData) -> FormData:
    """The fields of a form that are no files."""
    return FormData([(name, text(it)) for name, it in form.multi_items() if isinstance(it, str)])
