#!/bin/sh
# moodle-client 0.5.2: `call` writes the token, the function and the settings into the caller's `args`, and a setting that
# was given to one call stays for the next one with the same `args`.
#
# Arguments are the input of a call, and one would expect to be able to use an object for two calls, or to log it. After
# a call with `settings: { raw: true }` the next one asks for raw texts as well, though it has no settings; the object
# has the token of the web service in it.
#
# Output seen:
#   first call, raw: raw true
#   second call, no settings: raw true
#   args after a call: courseid, wstoken, wsfunction, moodlewsrestformat, moodlewssettingraw
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts moodle-client@0.5.2 request@2.88.2
cat > show.mjs <<'END'
import { createServer } from "node:http";
import moodle from "moodle-client";

let asked;
const server = createServer((request, response) => {
  asked = new URL(request.url, "http://moodle.example").searchParams;
  response.writeHead(200, { "Content-Type": "application/json", Connection: "close" });
  response.end("[]");
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const client = await moodle.init({ wwwroot: `http://127.0.0.1:${server.address().port}`, token: "token" });
const args = { courseid: 5 };

await client.call({ wsfunction: "core_course_get_contents", args, settings: { raw: true } });
console.log("first call, raw: raw", asked.get("moodlewssettingraw"));
await client.call({ wsfunction: "core_course_get_contents", args });
console.log("second call, no settings: raw", asked.get("moodlewssettingraw"));
console.log(`args after a call: ${Object.keys(args).join(", ")}`);
process.exit();
END
node --no-deprecation show.mjs > seen
cat seen
[ "$(cat seen)" = 'first call, raw: raw true
second call, no settings: raw true
args after a call: courseid, wstoken, wsfunction, moodlewsrestformat, moodlewssettingraw' ]
