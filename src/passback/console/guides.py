"""What to make in an LMS before it can be connected, step by step, and which page of the docs says more."""

from __future__ import annotations

from msgspec import Struct


class Guide(Struct, frozen=True):
    """The steps for one kind of LMS, a line each. ``{callback}`` is the address that a browser comes back to."""

    text: str = ""
    docs: str = ""

    @property
    def steps(self) -> list[str]:
        """The steps, in order."""
        return self.text.strip().splitlines()


GUIDES = {
    "canvas": Guide(
        """
Sign in to Canvas as an account administrator, and open Admin, Developer Keys.
Add an API key. As its redirect URI enter {callback}
Switch the key on, and copy its ID and its secret to this page.
Choose Sign in below, as an administrator who may masquerade. Or paste a token of theirs instead of the key.
""",
        "canvas",
    ),
    "schoology": Guide(
        """
Sign in to Schoology as a system administrator, and open https://DISTRICT.schoology.com/api
Copy the consumer key and the consumer secret to this page.
""",
        "schoology",
    ),
    "google": Guide(
        """
In the Google Cloud console make a project, switch the Classroom API on, and make a service account.
Make a JSON key of the service account, and paste the whole file into Service account below.
In the Admin console, under Domain-wide delegation, let the account's client ID have the scopes that the docs list.
Enter the address of an administrator as Admin email.
""",
        "google_classroom",
    ),
    "moodle": Guide(
        """
In Site administration switch web services and the REST protocol on.
Make an integration user with the rights that the docs list, and a service with the functions there.
Make a token of that user for that service, and copy it to this page.
In each course make an assignment that is named as Template below, hidden from students.
""",
        "moodle",
    ),
    "lti": Guide(
        """
Where the LMS registers tools, enter the addresses below. If it takes a link instead, make one with the last button.
Copy what the LMS shows, its client ID and its deployment, to this page, and choose the family.
""",
        "lti",
    ),
}
"""By the kinds of LMS."""
