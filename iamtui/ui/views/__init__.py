"""The tabs of an identity, a policy and an event. A view asks the session and fills its pane; it holds no widgets."""

from __future__ import annotations

from collections.abc import Callable

from ...model.event import Event
from ...model.finding import Finding
from ...model.identity import Group, Role, User
from ...model.policy import Policy
from ...session import Row
from .base import Host, View

Maker = Callable[[Host, Row], View]


def tabs_of(row: Row) -> list[tuple[str, str]]:
    """(id, title) of the tabs a row has, in their order."""
    item = row.item
    if isinstance(item, User):
        return [
            ("summary", "Summary"),
            ("permissions", "Permissions"),
            ("used", "Last used"),
            ("activity", "Activity"),
            ("story", "Story"),
            ("changes", "Changes"),
            ("credentials", "Groups and credentials"),
        ]
    if isinstance(item, Role):
        return [
            ("summary", "Summary"),
            ("permissions", "Permissions"),
            ("used", "Last used"),
            ("activity", "Activity"),
            ("story", "Story"),
            ("changes", "Changes"),
            ("trust", "Trust"),
        ]
    if isinstance(item, Group):
        return [
            ("summary", "Summary"),
            ("permissions", "Permissions"),
            ("used", "Last used"),
            ("activity", "Activity"),
            ("changes", "Changes"),
            ("members", "Members"),
        ]
    if isinstance(item, Policy):
        return [
            ("document", "Document"),
            ("versions", "Versions"),
            ("changes", "Changes"),
            ("attached", "Attached to"),
            ("used", "Last used"),
            ("activity", "Activity"),
        ]
    if isinstance(item, Finding):
        return [("finding", "Finding")]
    if isinstance(item, Event):
        return [("event", "Event"), ("story", "Story"), ("record", "Record")]
    return []


def make_view(tab: str, host: Host, row: Row) -> View:
    """The view of a tab; imported on first use, because most are never opened."""
    match tab:
        case "summary":
            from .summary import SummaryView as made
        case "permissions":
            from .permissions import PermissionsView as made  # type: ignore[assignment]
        case "used":
            from .usage import UsageView as made  # type: ignore[assignment]
        case "activity":
            from .activity import ActivityView as made  # type: ignore[assignment]
        case "credentials":
            from .credentials import CredentialsView as made  # type: ignore[assignment]
        case "trust":
            from .trust import TrustView as made  # type: ignore[assignment]
        case "members":
            from .members import MembersView as made  # type: ignore[assignment]
        case "document":
            from .policy import DocumentView as made  # type: ignore[assignment]
        case "versions":
            from .policy import VersionsView as made  # type: ignore[assignment]
        case "attached":
            from .members import AttachedView as made  # type: ignore[assignment]
        case "changes":
            from .changes import ChangesView as made  # type: ignore[assignment]
        case "story":
            from .story import StoryView as made  # type: ignore[assignment]
        case "finding":
            from .finding import FindingView as made  # type: ignore[assignment]
        case "record":
            from .event import RecordView as made  # type: ignore[assignment]
        case _:
            from .event import EventView as made  # type: ignore[assignment]
    return made(host, row)
