#!/bin/sh
# lti-consumer-xblock 11.4.4 (Open edX's LTI platform): no token is good for deleting a line item, and a line item cannot
# be sent back as it was shown.
#
# LTI AGS 2.0 lets a tool with the scope `.../lti-ags/scope/lineitem` change and delete line items, and Open edX grants it
# that scope in "programmatic" mode. `LtiAgsPermissions` lists the scopes of the action "delete", which Django REST
# framework calls "destroy": the answer is 403 whatever the token says. And the dates that a line item has not are shown as
# null, which PUT refuses, so that reading, changing and writing one back answers 400.
#
# Output seen:
#   POST 201
#   GET 200: endDateTime is null
#   PUT of what GET has shown, with another label 400: This field may not be null.
#   PUT of the same without what is null 200
#   DELETE 403: You do not have permission to perform this action.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check lti-consumer-xblock==11.4.4 cryptography==50.0.2
"$folder/venv/bin/python" -W ignore - > "$folder/seen" 2> "$folder/log" <<'END' || { cat "$folder/log"; exit 1; }
import django
from django.conf import settings

APPS = ["django.contrib.auth", "django.contrib.contenttypes", "lti_consumer"]
settings.configure(
    SECRET_KEY="s", ROOT_URLCONF="lti_consumer.plugin.urls", INSTALLED_APPS=APPS, USE_TZ=True, ALLOWED_HOSTS=["*"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    MIGRATION_MODULES={app.rpartition(".")[2]: None for app in APPS}, DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    LMS_ROOT_URL="http://testserver", USAGE_ID_PATTERN="(?P<usage_id>[^/]+)", PLATFORM_NAME="Open edX",
)
django.setup()
from django.core.management import call_command
from django.test import Client
from django.urls import include, path
from lti_consumer.models import LtiConfiguration
from lti_consumer.plugin import urls

urls.urlpatterns[:] = [path("", include((list(urls.urlpatterns), "lti_consumer")))]  # its names need their namespace
call_command("migrate", run_syncdb=True, verbosity=0)
activity = LtiConfiguration.objects.create(
    version="lti_1p3", config_store="CONFIG_ON_DB", lti_advantage_ags_mode="programmatic"
)
platform = activity.get_lti_consumer()
scopes = " ".join(platform.lti_ags.get_available_scopes())
token = platform.key_handler.encode_and_sign({"iss": platform.iss, "scopes": scopes}, expiration=60)
client, kind = Client(headers={"authorization": f"Bearer {token}"}), "application/vnd.ims.lis.v2.lineitem+json"
items = f"/lti_consumer/v1/lti/{activity.id}/lti-ags"

new = {"label": "Essay", "scoreMaximum": 20, "resourceId": "essay-1"}
made = client.post(items, new, content_type=kind)
print("POST", made.status_code)
item = made.json()["id"].removeprefix("http://testserver")
read = client.get(item, headers={"accept": kind})
shown = read.json()
print(f"GET {read.status_code}: endDateTime is {'null' if shown['endDateTime'] is None else 'there'}")
changed = client.put(item, {**shown, "label": "Other"}, content_type=kind)
print(f"PUT of what GET has shown, with another label {changed.status_code}: {changed.json()['endDateTime'][0]}")
short = {name: value for name, value in shown.items() if value is not None}
print("PUT of the same without what is null", client.put(item, {**short, "label": "Other"}, content_type=kind).status_code)
deleted = client.delete(item)
print(f"DELETE {deleted.status_code}: {deleted.json()['detail']}")
END
cat "$folder/seen"
[ "$(cat "$folder/seen")" = 'POST 201
GET 200: endDateTime is null
PUT of what GET has shown, with another label 400: This field may not be null.
PUT of the same without what is null 200
DELETE 403: You do not have permission to perform this action.' ]
