#!/bin/sh
# http-link-header 1.1.4: in a Link header with a space before a comma, the link after that comma is lost, "next" for
# example, and a parameter of the link before it gets the rest.
#
# RFC 9110 allows a space on both sides of the comma in a list, and the package says that it parses "according to RFC
# 8288". One would expect the same links with and without the space. Nothing is raised: a client of an LMS that pages by
# links takes the first page for all of them.
#
# Output seen:
#   <https://lms.example/results>; rel="first", <https://lms.example/results?page=2>; rel="next"
#     links: first, next
#     next: https://lms.example/results?page=2
#   <https://lms.example/results>; rel="first" , <https://lms.example/results?page=2>; rel="next"
#     links: first
#     next: none
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts http-link-header@1.1.4
cat > show.mjs <<'END'
import LinkHeader from "http-link-header";

const [first, next] = ['<https://lms.example/results>; rel="first"', '<https://lms.example/results?page=2>; rel="next"'];
for (const header of [`${first}, ${next}`, `${first} , ${next}`]) {
  const links = LinkHeader.parse(header);
  console.log(header);
  console.log(`  links: ${links.refs.map((link) => link.rel).join(", ")}`);
  console.log(`  next: ${links.rel("next")[0]?.uri ?? "none"}`);
}
END
node show.mjs > seen
cat seen
[ "$(cat seen)" = '<https://lms.example/results>; rel="first", <https://lms.example/results?page=2>; rel="next"
  links: first, next
  next: https://lms.example/results?page=2
<https://lms.example/results>; rel="first" , <https://lms.example/results?page=2>; rel="next"
  links: first
  next: none' ]
