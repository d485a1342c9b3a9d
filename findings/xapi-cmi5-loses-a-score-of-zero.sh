#!/bin/sh
# @xapi/cmi5 1.4.0: `moveOn({ score: 0 })` says nothing of the score, so the learner who got nothing right has not failed.
#
# `moveOn` takes a score, as a number or an xAPI score, and sends "passed" or "failed", according to the mastery score
# that the LMS has set, then "completed" and "terminated". One would expect 0 to be failed, as 0.4 is, and as
# `{ scaled: 0 }` is, the same score in its long form. The number 0 counts as no score: the LMS hears that the activity is
# complete, and has neither a score nor a failure for the learner. Without a mastery score, 0 is left out of "completed"
# in the same way. Here the mastery score is 0.8.
#
# Output seen:
#   0.9: passed (score 0.9), completed, terminated
#   0.4: failed (score 0.4), completed, terminated
#   {"scaled":0}: failed (score 0), completed, terminated
#   0: completed, terminated
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts @xapi/cmi5@1.4.0 xhr2@0.2.1
cat > show.mjs <<'END'
import { createServer } from "node:http";
import XMLHttpRequest from "xhr2";

globalThis.XMLHttpRequest = XMLHttpRequest; // the library is made for browsers
const { default: Cmi5 } = await import("@xapi/cmi5/dist/Cmi5.umd.js");

const LAUNCH = { contextTemplate: {}, launchMode: "Normal", moveOn: "Passed", masteryScore: 0.8 };
let sent = [];
const lms = createServer(async (request, response) => {
  let body = "";
  for await (const chunk of request) body += chunk;
  let answer = {};
  if (request.url === "/fetch") answer = { "auth-token": "dG9rZW4=" };
  if (request.url.startsWith("/xapi/activities/state")) answer = LAUNCH;
  if (request.url.startsWith("/xapi/statements")) {
    const statement = JSON.parse(body);
    sent.push(statement);
    answer = [statement.id];
  }
  response.writeHead(200, { "Content-Type": "application/json", "X-Experience-API-Version": "1.0.3" });
  response.end(JSON.stringify(answer));
});
await new Promise((listening) => lms.listen(0, "127.0.0.1", listening));
const base = `http://127.0.0.1:${lms.address().port}`;
for (const score of [0.9, 0.4, { scaled: 0 }, 0]) {
  const activity = new Cmi5({
    endpoint: `${base}/xapi/`,
    fetch: `${base}/fetch`,
    actor: { objectType: "Agent", account: { homePage: "https://lms.example", name: "ada" } },
    activityId: "https://lms.example/quiz",
    registration: "8b8b1a4c-4b3e-4a3b-9b9f-1d2f7e6a0c11",
  });
  await activity.initialize();
  sent = [];
  await activity.moveOn({ score });
  const shown = sent.map(({ verb, result }) => {
    const name = verb.id.split("/").at(-1);
    return result.score === undefined ? name : `${name} (score ${result.score.scaled})`;
  });
  console.log(`${JSON.stringify(score)}: ${shown.join(", ")}`);
}
process.exit();
END
node show.mjs > seen
cat seen
[ "$(cat seen)" = '0.9: passed (score 0.9), completed, terminated
0.4: failed (score 0.4), completed, terminated
{"scaled":0}: failed (score 0), completed, terminated
0: completed, terminated' ]
