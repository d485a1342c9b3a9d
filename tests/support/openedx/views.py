"""Studio, in which a teacher adds activities to the course, and the course itself, in which people open them."""

from __future__ import annotations

import json
from typing import Any

from django.contrib.auth import login
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponseRedirect, JsonResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt
from lti_consumer import api
from lti_consumer.models import CourseAllowPIISharingInLTIFlag
from opaque_keys.edx.keys import UsageKey
from openedx_events.content_authoring.data import XBlockData
from openedx_events.content_authoring.signals import XBLOCK_DELETED

from support.openedx.course import usage_key
from support.openedx.edxapp import load_block


@csrf_exempt
def studio(request: HttpRequest, block: str) -> JsonResponse:
    """PUT the fields of an activity that a teacher adds or changes; shows what Studio does of it. Or DELETE it."""
    if request.method == "DELETE":
        deleted = XBlockData(usage_key=UsageKey.from_string(usage_key(block)), block_type="lti_consumer")
        XBLOCK_DELETED.send_event(xblock_info=deleted)
        return JsonResponse({})
    _sign_in(request, "tom")
    made = load_block(UsageKey.from_string(usage_key(block)))
    for name, value in json.loads(request.body).items():
        setattr(made, name, made.fields[name].from_json(value))
    made.save()
    return JsonResponse(api.get_lti_1p3_launch_info(made.get_lti_1p3_launch_data()))


def courseware(request: HttpRequest, block: str) -> HttpResponseRedirect:
    """Open an activity: the browser goes where the activity's frame would. With ``choose``, from Studio."""
    _sign_in(request, request.GET["user"])
    launch = load_block(UsageKey.from_string(usage_key(block))).get_lti_1p3_launch_data()
    if "choose" in request.GET:
        return HttpResponseRedirect(api.get_lti_1p3_launch_info(launch)["deep_linking_launch_url"])
    return HttpResponseRedirect(api.get_lti_1p3_content_url(launch))


@csrf_exempt
def sharing(request: HttpRequest) -> JsonResponse:
    """PUT whether names and addresses of the course's people may be told to tools."""
    given: dict[str, Any] = json.loads(request.body)
    CourseAllowPIISharingInLTIFlag.objects.create(course_id=given["course"], enabled=given["enabled"])
    return JsonResponse({})


def _sign_in(request: HttpRequest, username: str) -> None:
    login(request, User.objects.get(username=username), backend="django.contrib.auth.backends.ModelBackend")


urlpatterns = [
    path("studio/blocks/<block>", studio),
    path("courseware/<block>", courseware),
    path("studio/sharing", sharing),
    path("api/", include("lti_consumer.plugin.urls")),
]
