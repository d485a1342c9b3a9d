#!/bin/sh
# standardwebhooks 1.1.0: `Webhook.sign` drops the zone of the time that it is given, so a message that is signed with an
# aware time of another zone than UTC fails the same library's `verify`.
#
# One would expect an aware datetime to mean its instant, in any zone. `sign` puts UTC in the place of its zone instead:
# the signature covers a time that is off by the zone's distance from UTC, while the header has the right one. The same
# instant given in UTC verifies. So a sender tested on a machine or with a clock in UTC fails where districts keep local time.
#
# Output seen:
#   UTC: verified
#   UTC+02:00, the same instant: No matching signature found
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check standardwebhooks==1.1.0
"$folder/venv/bin/python" - > "$folder/seen" <<'END'
from datetime import datetime, timedelta, timezone

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

webhook = Webhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
body = '{"type":"grade.delivered"}'
now = datetime.now(timezone.utc)
for name, moment in (
    ("UTC", now),
    ("UTC+02:00, the same instant", now.astimezone(timezone(timedelta(hours=2)))),
):
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": webhook.sign("msg_1", moment, body),
    }
    try:
        webhook.verify(body, headers)
        print(f"{name}: verified")
    except WebhookVerificationError as error:
        print(f"{name}: {error}")
END
cat "$folder/seen"
[ "$(cat "$folder/seen")" = "UTC: verified
UTC+02:00, the same instant: No matching signature found" ]
