#!/bin/sh
# moodle-ts 0.1.5: a Moodle whose address has a path ("https://school.example/moodle") is asked at the root of its host.
#
# `baseUrl` is kept as it was given, with its path (`client.baseUrl` shows it), and Moodle is often installed below one, so
# one would expect calls to go below that path. The path is dropped without a sign, and the token goes to whatever the
# host serves at its root. Here a server has a Moodle below /moodle, and nothing else.
#
# Output seen:
#   baseUrl: /moodle
#   asked: /webservice/rest/server.php
#   the call: HTTP 404: Not Found
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts moodle-ts@0.1.5
cat > show.mjs <<'END'
import { createServer } from "node:http";
import { MoodleClient } from "moodle-ts";

const asked = [];
const server = createServer((request, response) => {
  asked.push(request.url);
  const found = request.url === "/moodle/webservice/rest/server.php";
  response.writeHead(found ? 200 : 404, { "Content-Type": "application/json" });
  response.end(JSON.stringify({ sitename: "School" }));
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const client = new MoodleClient({ baseUrl: `http://127.0.0.1:${server.address().port}/moodle`, token: "token" });
const outcome = await client.getSiteInfo().then((answer) => answer.data.sitename, (error) => error.message);
console.log("baseUrl:", new URL(client.baseUrl).pathname);
console.log("asked:", asked.join(" "));
console.log("the call:", outcome);
server.close();
server.closeAllConnections();
END
node show.mjs > seen
cat seen
[ "$(cat seen)" = 'baseUrl: /moodle
asked: /webservice/rest/server.php
the call: HTTP 404: Not Found' ]
