#!/bin/sh
# ims-lti 3.0.2 (LTI 1.1 Basic Outcomes): an outcome whose text has a letter such as "è" is sent cut short, and the grade
# with it is refused.
#
# `send_replace_result_with_text` sends a score and a text, in XML that says it is UTF-8. One would expect any text to
# arrive. Content-Length is the number of characters, not of bytes, so that the end of the document is missing, one byte
# for each such letter; neither the XML nor the OAuth body hash of the request is right any more. Here a platform checks
# the body hash, as LMSs do.
#
# Output seen:
#   "Well done": complete, body hash right; tool got true
#   "Très bien": ends with "</imsx_POXEnvelopeRequest", body hash wrong; tool got false
#   "Zoë, schön": ends with "</imsx_POXEnvelopeReques", body hash wrong; tool got false
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts ims-lti@3.0.2
cat > show.mjs <<'END'
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import lti from "ims-lti";

const END = "</imsx_POXEnvelopeRequest>";
const answer = (code) => `<?xml version="1.0" encoding="UTF-8"?>
<imsx_POXEnvelopeResponse xmlns="http://www.imsglobal.org/services/ltiv1p1/xsd/imsoms_v1p0"><imsx_POXHeader>
<imsx_POXResponseHeaderInfo><imsx_version>V1.0</imsx_version><imsx_messageIdentifier>1</imsx_messageIdentifier>
<imsx_statusInfo><imsx_codeMajor>${code}</imsx_codeMajor><imsx_severity>status</imsx_severity>
<imsx_description>${code}</imsx_description></imsx_statusInfo></imsx_POXResponseHeaderInfo></imsx_POXHeader>
<imsx_POXBody><replaceResultResponse/></imsx_POXBody></imsx_POXEnvelopeResponse>`;
let seen;
const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const [, hash] = /oauth_body_hash="([^"]+)"/.exec(request.headers.authorization);
  const right = decodeURIComponent(hash) === createHash("sha1").update(body).digest("base64");
  const text = body.toString();
  const end = text.endsWith(END) ? "complete" : `ends with "${text.slice(text.lastIndexOf("<"))}"`;
  seen = `${end}, body hash ${right ? "right" : "wrong"}`;
  response.writeHead(200, { "Content-Type": "application/xml", Connection: "close" });
  response.end(answer(right ? "success" : "failure"));
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const service = new lti.OutcomeService({
  consumer_key: "key", consumer_secret: "secret", source_did: "7", result_data_types: ["text"],
  service_url: `http://127.0.0.1:${server.address().port}/outcomes`,
});
for (const text of ["Well done", "Très bien", "Zoë, schön"]) {
  const taken = await new Promise((done) => {
    service.send_replace_result_with_text(0.9, text, (error, result) => done(result));
  });
  console.log(`"${text}": ${seen}; tool got ${taken}`);
}
process.exit();
END
node --no-warnings show.mjs > seen
cat seen
[ "$(cat seen)" = '"Well done": complete, body hash right; tool got true
"Très bien": ends with "</imsx_POXEnvelopeRequest", body hash wrong; tool got false
"Zoë, schön": ends with "</imsx_POXEnvelopeReques", body hash wrong; tool got false' ]
