#!/bin/sh
# @kth/canvas-api 5.1.1: the values of a query are sent as they are, so an "&", "+" or "#" in one asks Canvas for
# something else.
#
# `get`, `listPages` and `listItems` take the query as an object, as `get("accounts/1/users", { search_term: "..." })`.
# One would expect each value to arrive at Canvas as it was given. "R&D" arrives as "R", with a parameter "D"; the plus
# of an address such as ada+quiz@school.example is a space; and all that stands after a "#" is never sent, be it other
# parameters, so that the list is not filtered. What is undefined is sent as the word "undefined". Non-ASCII letters and
# spaces do arrive.
#
# Output seen:
#   {"search_term":"Zoë B"} arrived as {"search_term":"Zoë B"}
#   {"search_term":"R&D"} arrived as {"search_term":"R","D":""}
#   {"search_term":"ada+quiz@school.example"} arrived as {"search_term":"ada quiz@school.example"}
#   {"search_term":"Quiz #2","enrollment_type":"student"} arrived as {"search_term":"Quiz "}
#   {"search_term":undefined} arrived as {"search_term":"undefined"}
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts @kth/canvas-api@5.1.1
cat > show.mjs <<'END'
import { createServer } from "node:http";

console.log = () => {}; // the library says that it was loaded
const { CanvasApi } = await import("@kth/canvas-api");

let arrived;
const server = createServer((request, response) => {
  arrived = Object.fromEntries(new URL(request.url, "http://canvas.example").searchParams);
  response.writeHead(200, { "Content-Type": "application/json", Connection: "close" });
  response.end("[]");
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const canvas = new CanvasApi(`http://127.0.0.1:${server.address().port}/api/v1`, "token", { disableThrottling: true });
for (const query of [
  { search_term: "Zoë B" },
  { search_term: "R&D" },
  { search_term: "ada+quiz@school.example" },
  { search_term: "Quiz #2", enrollment_type: "student" },
  { search_term: undefined },
]) {
  await canvas.get("accounts/1/users", query);
  const given = JSON.stringify(query, (_, value) => value === undefined ? "(undefined)" : value);
  console.info(`${given.replace('"(undefined)"', "undefined")} arrived as ${JSON.stringify(arrived)}`);
}
process.exit();
END
node show.mjs > seen
cat seen
[ "$(cat seen)" = '{"search_term":"Zoë B"} arrived as {"search_term":"Zoë B"}
{"search_term":"R&D"} arrived as {"search_term":"R","D":""}
{"search_term":"ada+quiz@school.example"} arrived as {"search_term":"ada quiz@school.example"}
{"search_term":"Quiz #2","enrollment_type":"student"} arrived as {"search_term":"Quiz "}
{"search_term":undefined} arrived as {"search_term":"undefined"}' ]
