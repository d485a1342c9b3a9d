#!/bin/sh
# tincanjs 0.50.0 (xAPI): of an ISO 8601 duration without minutes or without seconds it reads another time: "PT30M" is 0
# milliseconds, "PT1H30M" as well, and "PT1H30S" one hour and one second.
#
# `TinCan.Utils.convertISO8601DurationToMilliseconds` says of itself only that it "does not handle input strings with
# years, months and days". One would expect hours, minutes and seconds, each of which may be left out, to be right. Even
# what `convertMillisecondsToISO8601Duration` of the same library writes comes back as something else whenever it has
# hours and no minutes. So the time that a learner spent, a `result.duration`, is lost or wrong when it is read.
#
# Output seen:
#   PT1H30M5S: 5405000 ms
#   PT90S: 90000 ms
#   PT30M: 0 ms
#   PT1H30M: 0 ms
#   PT1H: 3601000 ms
#   3630000 ms, written by the library as PT1H30S: 3601000 ms
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts tincanjs@0.50.0
cat > show.mjs <<'END'
import TinCan from "tincanjs";

const read = TinCan.Utils.convertISO8601DurationToMilliseconds;
for (const duration of ["PT1H30M5S", "PT90S", "PT30M", "PT1H30M", "PT1H"]) {
  console.log(`${duration}: ${read(duration)} ms`);
}
const spent = 3_630_000;
const written = TinCan.Utils.convertMillisecondsToISO8601Duration(spent);
console.log(`${spent} ms, written by the library as ${written}: ${read(written)} ms`);
END
node show.mjs > seen
cat seen
[ "$(cat seen)" = 'PT1H30M5S: 5405000 ms
PT90S: 90000 ms
PT30M: 0 ms
PT1H30M: 0 ms
PT1H: 3601000 ms
3630000 ms, written by the library as PT1H30S: 3601000 ms' ]
