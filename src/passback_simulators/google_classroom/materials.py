"""What teachers attach to course work and students to their submissions: links, Drive files, YouTube videos."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from passback_simulators.google_classroom import errors

if TYPE_CHECKING:
    from passback_simulators.google_classroom.state import ClassroomState

MOST = 20
"""The most materials of course work, or attachments of a submission."""
_LONGEST_URL = 2024

_VIDEO = re.compile(
    r"https?://(?:(?:www\.|m\.)?youtube\.com/watch\?(?:[^#]*&)?v=|youtu\.be/)([\w-]{11})(?:[&?#].*)?"
)
_DRIVE = re.compile(
    r"https?://(?:drive|docs)\.google\.com/(?:file|document|spreadsheets|presentation)/d/([\w-]+)"
)


def material(lms: ClassroomState, given: dict[str, Any], user_id: str) -> dict[str, Any]:
    """A material of course work as Classroom stores it; links to files and videos become such."""
    kind, content = _only(given)
    match kind:
        case "link":
            upgraded, kept = _link(lms, content, user_id)
            if upgraded == "driveFile":
                return {"driveFile": {"driveFile": kept, "shareMode": "VIEW"}}
            return {"youtubeVideo" if upgraded == "youTubeVideo" else upgraded: kept}
        case "driveFile":
            file = _drive_file(lms, content.get("driveFile", {}), user_id)
            return {"driveFile": {"driveFile": file, "shareMode": content.get("shareMode", "VIEW")}}
        case "youtubeVideo":
            return {"youtubeVideo": _video(content.get("id", ""))}
    raise errors.invalid(field="course_work.materials")


def attachment(lms: ClassroomState, given: dict[str, Any], user_id: str) -> dict[str, Any]:
    """An attachment of a submission as Classroom stores it."""
    kind, content = _only(given)
    match kind:
        case "link":
            upgraded, kept = _link(lms, content, user_id)
            return {upgraded: kept}
        case "driveFile":
            return {"driveFile": _drive_file(lms, content, user_id)}
        case "youTubeVideo":
            return {"youTubeVideo": _video(content.get("id", ""))}
    raise errors.invalid(field="add_attachments")


def _only(given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The kind that is set, and its content; exactly one may be."""
    if len(given) != 1:
        raise errors.invalid()
    return next(iter(given.items()))


def _link(lms: ClassroomState, content: dict[str, Any], user_id: str) -> tuple[str, dict[str, Any]]:
    """A link, or what it is upgraded to, after its kind as attachments name it."""
    url = content.get("url", "")
    try:
        address = urlsplit(url)
    except ValueError as error:
        raise errors.invalid(field="link.url") from error
    if not 1 <= len(url) <= _LONGEST_URL or address.scheme not in ("http", "https") or not address.netloc:
        raise errors.invalid(field="link.url")
    if found := _VIDEO.fullmatch(url):
        return "youTubeVideo", _video(found[1])
    if (found := _DRIVE.match(url)) and _visible(lms, found[1], user_id):
        return "driveFile", _drive_file(lms, {"id": found[1]}, user_id)
    thumbnail = f"https://classroom.google.com/webthumbnail?url={quote(url, safe='')}"
    # The title is that of the page; Classroom uses the address if it cannot read the page.
    return "link", {"url": url, "title": url, "thumbnailUrl": thumbnail}


def _video(video_id: str) -> dict[str, Any]:
    if not re.fullmatch(r"[\w-]{11}", video_id):
        raise errors.invalid(field="youtube_video.id")
    return {
        "id": video_id,
        "title": f"Video {video_id}",
        "alternateLink": f"https://www.youtube.com/watch?v={video_id}",
        "thumbnailUrl": f"https://i.ytimg.com/vi/{video_id}/default.jpg",
    }


def _visible(lms: ClassroomState, file_id: str, user_id: str) -> bool:
    file = lms.records.get("drive_files", file_id)
    return file is not None and user_id in file["readers"]


def _drive_file(lms: ClassroomState, content: dict[str, Any], user_id: str) -> dict[str, Any]:
    file_id = content.get("id", "")
    if not file_id:
        raise errors.invalid(field="drive_file.id")
    file = lms.records.get("drive_files", file_id)
    if file is None or not _visible(lms, file_id, user_id):
        raise errors.named("AttachmentNotVisible")
    link = f"https://drive.google.com/file/d/{file_id}/view"
    return {"id": file_id, "title": file["title"], "alternateLink": link}
