#!/bin/sh
# express-idempotency 1.0.6: a request whose handler throws can never be tried again with its key: each retry is
# answered 409, "A previous request is still in progress for this key".
#
# Its documentation says that a response is kept if its status is 200 to 299, so one would expect the key of a request
# that ended with 500 to be free, and the retry to run. It is free if the handler itself answers 500. A thrown error is
# answered by Express, which does not use the `res.send` that the middleware waits for: the key stays "in progress", and
# the default store never lets go of it. The same holds for a success that is sent by `res.status(204).end()`. A client
# that goes on trying, as the key is meant for, delivers nothing. (`reportError` frees a key, if every handler catches
# everything and calls it.) Here each way to answer is tried three times with one key.
#
# Output seen:
#   res.json: 201 201 201, 1 time handled
#   res.status(500).json, then res.json: 500 201 201, 2 times handled
#   throws, would then res.json: 500 409 409, 1 time handled
#   res.status(204).end: 204 409 409, 1 time handled
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts express-idempotency@1.0.6 express@4.21.2
cat > show.mjs <<'END'
import express from "express";
import idempotent from "express-idempotency";

console.error = () => {}; // Express shows what was thrown
const app = express();
app.use(express.json());
app.use(idempotent.idempotency());
let handled;
const ways = {
  "res.json": (response) => response.status(201).json({}),
  "res.status(500).json, then res.json": (response) => response.status(handled === 1 ? 500 : 201).json({}),
  "throws, would then res.json": (response) => {
    if (handled === 1) throw new Error("the gradebook is away");
    response.status(201).json({});
  },
  "res.status(204).end": (response) => response.status(204).end(),
};
app.post("/grades", (request, response) => {
  if (idempotent.getSharedIdempotencyService().isHit(request)) return;
  handled += 1;
  ways[request.get("Way")](response);
});
const server = app.listen(0, "127.0.0.1");
await new Promise((listening) => server.once("listening", listening));
for (const way of Object.keys(ways)) {
  handled = 0;
  const answers = [];
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const response = await fetch(`http://127.0.0.1:${server.address().port}/grades`, {
      method: "POST", headers: { "Idempotency-Key": way, Way: way, "Content-Type": "application/json" }, body: "{}",
    });
    await response.text();
    answers.push(response.status);
  }
  console.log(`${way}: ${answers.join(" ")}, ${handled} time${handled === 1 ? "" : "s"} handled`);
}
process.exit();
END
node show.mjs > seen
cat seen
[ "$(cat seen)" = 'res.json: 201 201 201, 1 time handled
res.status(500).json, then res.json: 500 201 201, 2 times handled
throws, would then res.json: 500 409 409, 1 time handled
res.status(204).end: 204 409 409, 1 time handled' ]
