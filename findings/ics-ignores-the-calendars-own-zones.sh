#!/bin/sh
# ics 0.7.3: a due date in a time zone that the calendar defines itself is read as UTC, five hours early in New York.
#
# A calendar says what its zones are in VTIMEZONE (RFC 5545), and Outlook and Exchange name theirs "Eastern Standard
# Time", as Windows does. One would expect the definition to be used. A zone is looked up by its name on the machine
# only, and a name that is not there counts as UTC, without a sign. Written back, the wrong time is all that is left. A
# zone that is called "America/New_York" is right.
#
# Output seen:
#   America/New_York: due 2026-03-01T23:59:00-05:00, written back as DTSTART:20260302T045900Z
#   Eastern Standard Time: due 2026-03-01T23:59:00+00:00, written back as DTSTART:20260301T235900Z
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check ics==0.7.3
"$folder/venv/bin/python" -W ignore - > "$folder/seen" <<'END'
from ics import Calendar

DUE = """\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Example//School//EN
BEGIN:VTIMEZONE
TZID:{zone}
BEGIN:STANDARD
DTSTART:16010101T020000
TZOFFSETFROM:-0400
TZOFFSETTO:-0500
RRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=11
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:-0500
TZOFFSETTO:-0400
RRULE:FREQ=YEARLY;BYDAY=2SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
BEGIN:VEVENT
UID:essay@school.example
DTSTAMP:20260101T000000Z
DTSTART;TZID={zone}:20260301T235900
SUMMARY:Essay is due
END:VEVENT
END:VCALENDAR
"""
for zone in ("America/New_York", "Eastern Standard Time"):
    calendar = Calendar(DUE.format(zone=zone).replace("\n", "\r\n"))
    [event] = calendar.events
    written = next(line for line in calendar.serialize().splitlines() if line.startswith("DTSTART"))
    print(f"{zone}: due {event.begin}, written back as {written}")
END
cat "$folder/seen"
[ "$(cat "$folder/seen")" = "America/New_York: due 2026-03-01T23:59:00-05:00, written back as DTSTART:20260302T045900Z
Eastern Standard Time: due 2026-03-01T23:59:00+00:00, written back as DTSTART:20260301T235900Z" ]
