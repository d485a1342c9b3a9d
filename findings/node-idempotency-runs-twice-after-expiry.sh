#!/bin/sh
# @node-idempotency/core 1.0.11 with @node-idempotency/storage-adapter-memory 1.0.2: once a key has expired, the next two
# requests with it both run, even if the second comes while the first is still at work.
#
# The documentation says "Race Condition free: Ensures consistent behavior even during concurrent requests". One would
# expect an expired key to be like one that was never seen: the first request runs, the second is refused with
# REQUEST_IN_PROGRESS. `setIfNotExists` does not look at the time, so the first request is not noted as begun; then `get`
# throws the expired record away, the request counts as new, and nothing holds the second one back. Here a key lives for
# 100 ms.
#
# Output seen:
#   a key never seen: first runs, second refused: REQUEST_IN_PROGRESS
#   an expired key: first runs, second runs
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts \
  @node-idempotency/core@1.0.11 @node-idempotency/storage-adapter-memory@1.0.2
cat > show.mjs <<'END'
import { setTimeout } from "node:timers/promises";
import core from "@node-idempotency/core";
import memory from "@node-idempotency/storage-adapter-memory";

const LIFETIME = 100;
const idempotency = new core.Idempotency(new memory.MemoryStorageAdapter(), { cacheTTLMS: LIFETIME });
const request = { method: "POST", path: "/grades", headers: { "idempotency-key": "1" }, body: { points: 9 } };

async function arrive() {
  try {
    return (await idempotency.onRequest(request)) === undefined ? "runs" : "gets the first one's response";
  } catch (error) {
    return `refused: ${error.code}`;
  }
}

console.log(`a key never seen: first ${await arrive()}, second ${await arrive()}`);
await idempotency.onResponse(request, { body: "taken" });
await setTimeout(3 * LIFETIME);
console.log(`an expired key: first ${await arrive()}, second ${await arrive()}`);
END
node show.mjs > seen
cat seen
[ "$(cat seen)" = 'a key never seen: first runs, second refused: REQUEST_IN_PROGRESS
an expired key: first runs, second runs' ]
