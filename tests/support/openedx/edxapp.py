"""What edx-platform is to `lti_consumer`: its modulestore, users, course and gradebook, as far as LTI asks for them.

`lti_consumer` asks through `lti_consumer.plugin.compat`, whose functions import edx-platform's; `install` puts ours in
their place, each of which says what it stands for.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import crum
from django.contrib.auth.models import User
from lti_consumer.exceptions import LtiError
from lti_consumer.lti_1p3 import consumer
from lti_consumer.lti_xblock import LtiConsumerXBlock
from lti_consumer.plugin import compat
from opaque_keys.edx.keys import UsageKey
from xblock.core import XBlockMixin
from xblock.fields import DateTime, Scope, ScopeIds, Timedelta
from xblock.reference.user_service import XBlockUser
from xblock.runtime import DictKeyValueStore, KvsFieldData, Runtime

from support.openedx.course import ORGANIZATION, TITLE, Member
from support.openedx.models import ExternalId, Grade, Profile

BLOCKS = KvsFieldData(DictKeyValueStore())
"""The modulestore, and the state of learners."""


class InheritanceMixin(XBlockMixin):
    """As `xmodule.modulestore.inheritance.InheritanceMixin`: what every block of a course has."""

    start = DateTime(default=None, scope=Scope.settings)
    due = DateTime(default=None, scope=Scope.settings)
    graceperiod = Timedelta(default=None, scope=Scope.settings)


class Users:
    """As `common.djangoapps.xblock_django.user_service.DjangoXBlockUserService`."""

    def get_current_user(self) -> XBlockUser:
        user = crum.get_current_user()
        known = XBlockUser(is_current_user=True, emails=[user.email], full_name=user.profile.name)
        known.opt_attrs = {
            "edx-platform.is_authenticated": user.is_authenticated,
            "edx-platform.user_id": user.id,
            "edx-platform.username": user.username,
            "edx-platform.user_role": user.profile.roles[0],
            "edx-platform.user_is_staff": user.is_staff,
        }
        return known

    def get_external_user_id(self, kind: str) -> str:
        return str(crum.get_current_user().externalid.external_user_id)


class Gradebook:
    """As `lms.djangoapps.courseware.services.RebindUserService`."""

    def rebind_noauth_module_to_user(self, block: Any, user: Any) -> None:
        """Do nothing: a block is made for each request."""


class CourseRuntime(Runtime):
    """As `xmodule.x_module.ModuleStoreRuntime`, with the gradebook's `publish`."""

    def publish(self, block: Any, event_type: str, event_data: Any) -> None:
        assert event_type == "grade"
        Grade.objects.update_or_create(
            username=User.objects.get(id=event_data["user_id"]).username,
            block=block.scope_ids.usage_id.block_id,
            defaults={"earned": event_data["value"], "possible": event_data["max_value"]},
        )

    def handler_url(self, *args: Any, **kwargs: Any) -> str:
        raise NotImplementedError

    local_resource_url = resource_url = handler_url


def load_block(location: UsageKey) -> Any:
    """As `modulestore().get_item`: a block of the course."""
    services = {"user": Users(), "rebind_user": Gradebook()}
    runtime = CourseRuntime(None, BLOCKS, mixins=(InheritanceMixin,), services=services)
    ids = ScopeIds(None, "lti_consumer", location, location)
    return runtime.construct_xblock_from_class(LtiConsumerXBlock, ids, BLOCKS)


def user_of(external_id: str) -> User:
    """As `compat.get_user_from_external_user_id`, with its error."""
    found = ExternalId.objects.filter(external_user_id=external_id).first()
    if found is None:
        raise LtiError("Invalid User")
    return found.user


def course_members(course_key: Any) -> dict[int, dict[str, Any]]:
    """As `lms.djangoapps.course_api.api.get_course_members`."""
    return {
        it.id: {"id": it.id, "username": it.username, "email": it.email, "name": it.profile.name,
                "roles": list(it.profile.roles)}
        for it in User.objects.select_related("profile")
    }  # fmt: skip


def external_ids(users: Any) -> dict[int, ExternalId]:
    """As `ExternalId.batch_get_or_create_user_ids`."""
    return {it.user_id: it for it in ExternalId.objects.filter(user__in=users)}


def may_author(user: Any, course_key: Any) -> bool:
    """As `common.djangoapps.student.auth.has_studio_write_access`."""
    return user.is_authenticated and "staff" in user.profile.roles


def course(course_key: Any) -> Any:
    """As `openedx.core.lib.courses.get_course_by_id`."""
    return SimpleNamespace(
        display_name_with_default=TITLE, display_org_with_default=ORGANIZATION, lti_passports=[]
    )


def enroll(members: Sequence[Member]) -> None:
    """Make people members of the course."""
    for it in members:
        user = User.objects.create(username=it.username, email=it.email)
        Profile.objects.create(user=user, name=it.name, roles=it.roles)
        ExternalId.objects.create(user=user, external_user_id=it.external_id)


def install() -> None:
    """Put ours in edx-platform's place."""
    # It reads its key for each request, which takes ten times as long as all the rest.
    consumer.PlatformKeyHandler = functools.cache(consumer.PlatformKeyHandler)
    compat.load_enough_xblock = compat.load_block_as_user = load_block
    compat.get_user_from_external_user_id = user_of
    compat.get_course_members = course_members
    compat.batch_get_or_create_externalids = external_ids
    compat.user_has_studio_write_access = may_author
    compat.get_course_by_id = course
