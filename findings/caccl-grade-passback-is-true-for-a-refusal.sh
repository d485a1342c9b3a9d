#!/bin/sh
# caccl-grade-passback 1.1.4 (LTI 1.1, the version that caccl 1.1.42 comes with): a grade that the platform refuses is
# reported as passed back, and a grade of 0 is one that it must refuse.
#
# The function resolves to "true if the request was successful". LTI 1.1 puts that into the response: HTTP 200 with
# `imsx_codeMajor` "failure" means that nothing was taken, for example because the activity was deleted. One would expect
# a rejected promise. The response is not read, so it is true, the tool marks the grade as done, and nobody tries
# again. `percent: 0` and `score: 0` are left out of the request, a platform finds no score in it and says "failure", and
# that is true as well. Here a platform knows the activity 7 and no other. (2.2.19, the newest, raises TypeError for every
# grade, before it sends anything.)
#
# Output seen:
#   90 % for 7: platform got 0.9, said success; tool got true
#   90 % for 8: platform got 0.9, said failure; tool got true
#   0 % for 7: platform got no score, said failure; tool got true
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts caccl-grade-passback@1.1.4
cat > show.mjs <<'END'
import { createServer } from "node:http";
import sendPassback from "caccl-grade-passback";

const answer = (code) => `<?xml version="1.0" encoding="UTF-8"?>
<imsx_POXEnvelopeResponse xmlns="http://www.imsglobal.org/services/ltiv1p1/xsd/imsoms_v1p0"><imsx_POXHeader>
<imsx_POXResponseHeaderInfo><imsx_version>V1.0</imsx_version><imsx_messageIdentifier>1</imsx_messageIdentifier>
<imsx_statusInfo><imsx_codeMajor>${code}</imsx_codeMajor><imsx_severity>status</imsx_severity>
<imsx_description>${code}</imsx_description></imsx_statusInfo></imsx_POXResponseHeaderInfo></imsx_POXHeader>
<imsx_POXBody><replaceResultResponse/></imsx_POXBody></imsx_POXEnvelopeResponse>`;
let seen;
const platform = createServer(async (request, response) => {
  let body = "";
  for await (const chunk of request) body += chunk;
  const score = /<result(?:Total)?Score>[^]*?<textString>(.*?)</.exec(body)?.[1] ?? "no score";
  const code = body.includes("<sourcedId>7<") && score !== "no score" ? "success" : "failure";
  seen = `platform got ${score}, said ${code}`;
  response.writeHead(200, { "Content-Type": "application/xml", Connection: "close" });
  response.end(answer(code));
});
await new Promise((listening) => platform.listen(0, "127.0.0.1", listening));
const url = `http://127.0.0.1:${platform.address().port}/outcomes`;
for (const [percent, sourcedId] of [[90, "7"], [90, "8"], [0, "7"]]) {
  const credentials = { consumerKey: "key", consumerSecret: "secret" };
  const outcome = await sendPassback({ percent }, { sourcedId, url }, credentials).catch((error) => error.message);
  console.log(`${percent} % for ${sourcedId}: ${seen}; tool got ${outcome}`);
}
process.exit();
END
node --no-warnings show.mjs > seen
cat seen
[ "$(cat seen)" = '90 % for 7: platform got 0.9, said success; tool got true
90 % for 8: platform got 0.9, said failure; tool got true
0 % for 7: platform got no score, said failure; tool got true' ]
