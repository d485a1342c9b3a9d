"""What edx-platform keeps: people's profiles and ids for tools, and the gradebook."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import models


class Profile(models.Model):
    """As `common.djangoapps.student.models.UserProfile`."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="profile")
    name = models.CharField(max_length=255)
    roles = models.JSONField()
    """What `lms.djangoapps.course_api.api.get_course_members` says of the roles in the course."""


class ExternalId(models.Model):
    """As `openedx.core.djangoapps.external_user_ids.models.ExternalId`."""

    user = models.OneToOneField(User, on_delete=models.CASCADE)
    external_user_id = models.UUIDField(unique=True)


class Grade(models.Model):
    """What was published to the gradebook last: edx-platform's `StudentModule`, as far as grades go."""

    username = models.CharField(max_length=255)
    block = models.CharField(max_length=255)
    earned = models.FloatField(null=True)
    possible = models.FloatField(null=True)

    class Meta:
        unique_together = (("username", "block"),)
