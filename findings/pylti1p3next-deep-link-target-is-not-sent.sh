#!/bin/sh
# PyLTI1p3next 2.0.2: `DeepLinkResource.set_target` changes nothing of what is sent, so the LMS opens the activity where it
# likes.
#
# `get_target` gives the value back, so one would expect the deep link's content item to carry it, as a member `window` or
# `iframe` (LTI Deep Linking 2.0). A tool that must not be in a frame, say because the browser keeps no cookies for it
# there, is put into one.
#
# Output seen:
#   kept: window; sent: {"title": "Quiz", "type": "ltiResourceLink", "url": "https://tool.example/quiz"}
#   kept: iframe; sent: {"title": "Quiz", "type": "ltiResourceLink", "url": "https://tool.example/quiz"}
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pylti1p3next==2.0.2
"$folder/venv/bin/python" - > "$folder/seen" <<'END'
import json

from pylti1p3.deep_link_resource import DeepLinkResource

for target in ("window", "iframe"):
    quiz = DeepLinkResource().set_title("Quiz").set_url("https://tool.example/quiz").set_target(target)
    print(f"kept: {quiz.get_target()}; sent: {json.dumps(quiz.to_dict(), sort_keys=True)}")
END
cat "$folder/seen"
[ "$(cat "$folder/seen")" = 'kept: window; sent: {"title": "Quiz", "type": "ltiResourceLink", "url": "https://tool.example/quiz"}
kept: iframe; sent: {"title": "Quiz", "type": "ltiResourceLink", "url": "https://tool.example/quiz"}' ]
