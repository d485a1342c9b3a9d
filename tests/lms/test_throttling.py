"""Every LMS says in its own ways that it gets too many requests: each is waited out, and nothing is done twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import pytest

from passback.lms.google_classroom.errors import is_throttled
from passback.lms.http.reply import Reply
from passback.lms.interface import Unavailable
from passback.testing.lms import Lms
from passback.testing.suite.throttling import PATIENCE, create_in_time, creates_sent
from support.canvas import canvas
from support.google import google
from support.lti_lms import lti
from support.moodle import moodle
from support.schoology import schoology

Open = Callable[[], AbstractContextManager[Lms]]


FORMS: list[tuple[Open, dict[str, Any], float]] = [
    *((canvas, {"throttle_status": status, "throttle_form": form}, 5) for status, form in
      [(403, "text"), (429, "text"), (403, "json"), (429, "json"), (429, "bare")]),
    *((google, {"throttle_form": form}, 1) for form in ("info", "quota", "legacy", "forbidden")),
    *((google, {"throttle_form": form, "retry_delay": "3.5s"}, 3.5) for form in ("info", "quota", "forbidden")),
    (google, {"throttle_form": "info", "retry_delay": "-1s"}, 1),
    (google, {"throttle_form": "info", "retry_delay": "NaNs"}, 1),
    (schoology, {}, 5),
    (lti, {}, 5), (partial(lti, "canvas"), {}, 5), (moodle, {}, 5),
    *((lms, {"retry_after": "7.5"}, 7.5) for lms in (canvas, google, schoology)),
    *((lms, {"retry_after": "Sun, 06 Nov 1994 08:49:37 GMT"}, 0) for lms in (canvas, google, schoology)),
    *((lms, {"retry_after": odd}, usual) for odd in ("NaN", "-1", "1e400", "inf", "later", "1, 2", "9" * 300)
      for lms, usual in ((canvas, 5), (google, 1), (schoology, 5))),
]  # fmt: skip


@pytest.mark.parametrize(("opened", "settings", "wait"), FORMS)
def test_each_way_to_throttle_a_create_is_waited_out(
    opened: Open, settings: dict[str, Any], wait: float
) -> None:
    with opened() as lms:
        lms.set(**settings)
        lms.served.fail("throttled", **lms.creates)
        lms.calls()
        _, took = create_in_time(lms)
        assert wait <= took < wait + 2
        assert creates_sent(lms) == 2


GOOGLE_SAYS: list[tuple[bool, dict[str, Any]]] = [
    *((True, {"errors": [{"domain": "usageLimits", "reason": reason}]}) for reason in
      ("rateLimitExceeded", "userRateLimitExceeded", "userRateLimitExceededUnreg", "quotaExceeded", "dailyLimitExceeded",
       "concurrentLimitExceeded", "limitExceeded")),
    *((True, {"details": [{"reason": reason}]}) for reason in ("RATE_LIMIT_EXCEEDED", "RESOURCE_QUOTA_EXCEEDED")),
    *((True, {"message": words, "status": "PERMISSION_DENIED"}) for words in
      ("Rate Limit Exceeded", "User Rate Limit Exceeded", "Quota exceeded for quota metric 'Queries'")),
    (True, {"status": "RESOURCE_EXHAUSTED"}),
    *((False, {"message": words, "status": "PERMISSION_DENIED"}) for words in
      ("The caller does not have permission", "@ClassroomDisabled Classroom is disabled for the user.")),
    (False, {"details": [{"reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}]}), (False, {"errors": [{"reason": "forbidden"}]}),
]  # fmt: skip


@pytest.mark.parametrize(("throttled", "error"), GOOGLE_SAYS)
def test_google_says_with_403_in_many_ways_that_it_is_too_much(
    throttled: bool, error: dict[str, Any]
) -> None:
    assert is_throttled(Reply(403, {}, json.dumps({"error": error}).encode())) is throttled


@pytest.mark.parametrize("opened", [canvas, google, schoology])
@pytest.mark.parametrize("until", ["86400", "Mon, 06 Nov 2394 08:49:07 GMT"])
def test_a_wait_past_our_patience_is_told_and_has_an_end(opened: Open, until: str) -> None:
    with opened() as lms:
        lms.set(retry_after=until)
        lms.served.fail("throttled", **lms.creates)
        with pytest.raises(Unavailable) as caught:
            create_in_time(lms)
        assert (caught.value.in_doubt, 600 <= (caught.value.retry_after or 0) < 610) == (False, True)


@pytest.mark.parametrize("opened", [canvas, google, schoology])
def test_a_failure_that_names_a_time_is_left_alone_until_then(opened: Open) -> None:
    with opened() as lms:
        lms.set(retry_after="4", error_status=503)
        lms.served.fail("error-before", method="GET")
        assert lms.connection is not None
        timer = lms.connection.timer
        began = timer.seconds()
        with lms.another(patience=PATIENCE) as connector:
            assert lms.run(connector.read_courses())
        assert 4 <= timer.seconds() - began < 8


@pytest.mark.parametrize("opened", [canvas, google, schoology])
def test_a_create_that_failed_is_in_doubt_though_a_time_is_named(opened: Open) -> None:
    with opened() as lms:
        lms.set(retry_after="4", error_status=503)
        lms.served.fail("error-after", **lms.creates)
        lms.calls()
        with pytest.raises(Unavailable) as caught:
            create_in_time(lms)
        assert (caught.value.in_doubt, caught.value.retry_after, creates_sent(lms)) == (True, 4, 1)
