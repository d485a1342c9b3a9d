#!/bin/sh
# ltijs 5.9.9: `Grade.submitScore` replaces the timestamp of a score by the present time.
#
# Its documentation takes a score "following the LTI Standard application/vnd.ims.lis.v1.score+json", of which the
# timestamp is a part: when the score was changed in the tool, by which a platform tells which of two is newer. One would
# expect the one that is given to be sent, and the present time only if there is none. A score of this morning that waited
# in a queue so passes for newer than the one of noon, and the object of the caller is changed, too. Here a tool sends a
# score of 2026-03-01; what the platform was sent is shown.
#
# Output seen:
#   score: 7, timestamp of 2026-03-01: false, timestamp of now: true
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts ltijs@5.9.9
cat > show.mjs <<'END'
import { createServer } from "node:http";
import ltijs from "ltijs";

let sent;
const server = createServer(async (request, response) => {
  const body = Buffer.concat(await request.toArray()).toString();
  if (request.url.endsWith("/scores")) sent = JSON.parse(body);
  response.setHeader("Content-Type", "application/json");
  response.end(JSON.stringify({ access_token: "token", token_type: "Bearer", expires_in: 3600 }));
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const url = `http://127.0.0.1:${server.address().port}`;

// A database plugin that keeps what it is given, as far as this needs it.
const rows = {};
const plugin = {
  setup: async () => {},
  Close: async () => {},
  Get: async (_key, table) => rows[table] ?? false,
  Insert: async (_key, table, item) => { rows[table] = [item]; },
  Replace: async (_key, table, _query, item) => { rows[table] = [item]; },
  Modify: async () => {},
  Delete: async () => {},
};
const lti = ltijs.Provider;
lti.setup("secret", { plugin });
await lti.deploy({ serverless: true, silent: true });
await lti.registerPlatform({
  url, name: "LMS", clientId: "client", authenticationEndpoint: `${url}/auth`, accesstokenEndpoint: `${url}/token`,
  authConfig: { method: "JWK_SET", key: `${url}/keys` },
});
const score = {
  userId: "ada", scoreGiven: 7, scoreMaximum: 10, activityProgress: "Completed", gradingProgress: "FullyGraded",
  timestamp: "2026-03-01T08:00:00.000Z",
};
await lti.Grade.submitScore({ iss: url, clientId: "client", user: "ada" }, `${url}/lineitems/1`, score);
const now = Math.abs(Date.now() - Date.parse(sent.timestamp)) < 60_000;
console.log(
  `score: ${sent.scoreGiven}, timestamp of 2026-03-01: ${sent.timestamp.startsWith("2026-03-01")}, timestamp of now: ${now}`,
);
process.exit();
END
node show.mjs > seen
cat seen
[ "$(cat seen)" = 'score: 7, timestamp of 2026-03-01: false, timestamp of now: true' ]
