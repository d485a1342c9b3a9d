#!/bin/sh
# gift-pegjs 1.0.2: the right half of a pair such as "half past ten -> 10\:30" is read as "10&&058;30".
#
# GIFT has a backslash before ":", "=", "#", "~" and braces that are text. One would expect it to be gone after reading,
# as it is in every other place of a question. In `subanswer` the parser leaves what it puts there for its own work, so
# students see it in the list that they choose from, and a program that compares what they typed with it finds that
# nobody is right. Moodle writes such pairs, for times, ratios and formulas.
#
# Output seen:
#   short answer: 10:30
#   choice: 10:30
#   left half of a pair: 10:30
#   right half of a pair: 10&&058;30
#   right halves of others: a &&061; 2, 3 &&126; 4, &&123;1, 2&&125;
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts gift-pegjs@1.0.2
cat > show.mjs <<'END'
import { parse } from "gift-pegjs";

const read = (gift) => parse(gift)[0];
console.log("short answer:", read("When? {=10\\:30}").choices[0].text.text);
console.log("choice:", read("When? {=10\\:30 ~11\\:30}").choices[0].text.text);
console.log("left half of a pair:", read("When? {=10\\:30 -> early =15\\:30 -> late}").matchPairs[0].subquestion.text);
console.log("right half of a pair:", read("When? {=early -> 10\\:30 =late -> 15\\:30}").matchPairs[0].subanswer);
const pairs = read("Which? {=a -> a \\= 2 =b -> 3 \\~ 4 =c -> \\{1, 2\\}}").matchPairs;
console.log("right halves of others:", pairs.map((pair) => pair.subanswer).join(", "));
END
node show.mjs > seen
cat seen
[ "$(cat seen)" = 'short answer: 10:30
choice: 10:30
left half of a pair: 10:30
right half of a pair: 10&&058;30
right halves of others: a &&061; 2, 3 &&126; 4, &&123;1, 2&&125;' ]
