"""The server's process: ``python -m support.openedx.server DATABASE`` serves on a free port, and prints its address."""

from __future__ import annotations

import os
import sys
import threading
from types import SimpleNamespace

import django
from django.conf import settings
from django.core.management import call_command
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application

from support.openedx.course import MEMBERS


class QuietHandler(WSGIRequestHandler):
    """Writes no line for each request."""

    def log_message(self, *args: object) -> None:
        """Say nothing."""


def main(database: str) -> None:
    """Serve until somebody ends it."""
    server = ThreadedWSGIServer(("127.0.0.1", 0), QuietHandler)
    address = f"http://127.0.0.1:{server.server_port}"
    apps = ("django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "lti_consumer", "support.openedx")  # fmt: skip
    settings.configure(
        SECRET_KEY="for tests only",
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF="support.openedx.views",
        INSTALLED_APPS=apps,
        # The tables are made of the models, which takes a fraction of the time.
        MIGRATION_MODULES={it.rpartition(".")[2]: None for it in apps},
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "crum.CurrentRequestUserMiddleware",
            "edx_django_utils.cache.middleware.RequestCacheMiddleware",
        ],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3", "NAME": database, "ATOMIC_REQUESTS": True,
                "OPTIONS": {"transaction_mode": "IMMEDIATE"},
            }
        },
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
        LOGGING_CONFIG=None,
        OPENEDX_TELEMETRY=[],
        USE_TZ=True,
        TIME_ZONE="UTC",
        # As edx-platform has them.
        USAGE_ID_PATTERN=r"(?P<usage_id>(?:i4x://?[^/]+/[^/]+/[^/]+/[^@]+(?:@[^/]+)?)|(?:[^/]+))",
        LMS_ROOT_URL=address,
        PLATFORM_NAME="Open edX",
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    )  # fmt: skip
    _without_flags()
    django.setup()
    from support.openedx import edxapp

    call_command("migrate", run_syncdb=True, verbosity=0)
    edxapp.install()
    edxapp.enroll(MEMBERS)
    server.set_app(get_wsgi_application())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    print(address, flush=True)  # noqa: T201 - that is how tests learn it
    server.serve_forever()


def _end_with_parent() -> None:
    """End once the process that started this one has ended, however that came."""
    sys.stdin.read()
    os._exit(0)


def _without_flags() -> None:
    """Let no `CourseWaffleFlag` be switched on: edx-platform's would be imported with the models."""
    from lti_consumer.plugin import compat

    off = SimpleNamespace(is_enabled=lambda course_key: False)
    for name in (
        "external_config",
        "external_user_id_1p1_launches",
        "database_config",
        "external_multiple_launch_urls",
    ):
        setattr(compat, f"get_{name}_waffle_flag", lambda: off)


if __name__ == "__main__":
    main(sys.argv[1])
