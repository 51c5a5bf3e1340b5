"""Where a trail's files lie, and where in CloudTrail's tree a prefix stops.

[prefix/]AWSLogs/[o-organisation/]account/CloudTrail/Region/2026/11/27/….json.gz
"""

from __future__ import annotations

import calendar
import re
from datetime import UTC, datetime
from typing import Any, NamedTuple

from ...errors import RefusedError, UsageError
from ...model.document import Kind
from ...model.fact import State
from .calls import Caller

LOGS = "AWSLogs"
EVENTS = "CloudTrail"
_ACCOUNT = re.compile(r"[0-9]{12}\Z")
_ONE_FILE = re.compile(r"\.(json|jsonl|gz)\Z", re.IGNORECASE)


class Place(NamedTuple):
    """A bucket and what of it is a trail's: `prefix` ends with a slash, is "", or is the key of one file. `region`: where the bucket
    probably is; S3 says it when that is wrong."""

    bucket: str
    prefix: str
    region: str = ""

    @property
    def url(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"


class Start(NamedTuple):
    """Where in the tree a prefix stops. `root` is the folder of accounts; what comes below it is "" when it stops before.

    day: `2026`, `2026/11` or `2026/11/27`
    """

    root: str
    account: str = ""
    region: str = ""
    day: str = ""


def is_account(name: str) -> bool:
    return _ACCOUNT.match(name) is not None


def is_organisation(name: str) -> bool:
    return name.startswith("o-")


def place_of(caller: Caller, trail: str) -> Place:
    """Where the files of a trail lie, by its name, its ARN or `s3://bucket/prefix`. Raises UsageError, AwsError."""
    if trail.startswith("s3://"):
        bucket, _, prefix = trail.removeprefix("s3://").partition("/")
        if not bucket:
            raise UsageError(f"{trail} names no bucket", "write s3://BUCKET or s3://BUCKET/PREFIX")
        prefix = prefix.strip("/")
        place = Place(bucket, prefix if not prefix or _ONE_FILE.search(prefix) else f"{prefix}/")
        start_of(place)  # a prefix that leads to no events is told before anything is asked
        return place
    one = _described(caller, trail)
    prefix, region = str(one.get("S3KeyPrefix") or ""), str(one.get("HomeRegion") or "")
    if prefix.endswith("/"):  # whether the slash is doubled in the keys is looked up
        return Place(str(one["S3BucketName"]), f"{prefix.rstrip('/')}/".lstrip("/"), region)
    return Place(str(one["S3BucketName"]), f"{prefix}/{LOGS}/" if prefix else f"{LOGS}/", region)


def _described(caller: Caller, trail: str) -> dict[str, Any]:
    """The trail as DescribeTrails tells it. Names are looked for among all that are known in the Region, trails of other Regions and of the
    organisation with them: a list of names would find those of this Region only."""
    region = trail.split(":")[3] if trail.startswith("arn:") and trail.count(":") >= 5 else caller.connection.region
    try:
        answer = caller.connection.client("cloudtrail", region).describe_trails(includeShadowTrails=True)
    except Exception as error:
        gap = caller.gap(Kind.OTHER, "cloudtrail:DescribeTrails", error)
        hint = "ask for cloudtrail:DescribeTrails, or name the trail's bucket: --trail s3://BUCKET/PREFIX"
        words = f"Where {trail} delivers to could not be read: {gap.reason}"
        raise RefusedError(words, hint, "cloudtrail:DescribeTrails", denied=gap.state is State.DENIED) from error
    there = [one for one in answer.get("trailList") or () if one.get("S3BucketName")]
    found = [one for one in there if trail in (one.get("Name"), one.get("TrailARN"))]
    here = [one for one in found if one.get("HomeRegion") == region]
    if len(found) == 1 or len(here) == 1:
        return dict((here or found)[0])
    if found:
        raise UsageError(
            f"Several trails are called {trail}", "name one by its ARN: " + ", ".join(sorted(str(o["TrailARN"]) for o in found))
        )
    names = ", ".join(sorted({str(one.get("Name")) for one in there}))
    raise UsageError(
        f"There is no trail {trail} in {region}" + (f"; there is {names}" if names else ""),
        "name its ARN, another --region, or its bucket: --trail s3://BUCKET/PREFIX",
    )


def start_of(place: Place) -> Start | None:
    """Where in the tree a place stops; None when it stops above the tree. Raises UsageError when it leads to no events."""
    parts = place.prefix.removesuffix("/").split("/")
    if LOGS not in parts or not place.prefix.endswith("/"):
        return None
    depth = parts.index(LOGS) + 1
    if len(parts) > depth and is_organisation(parts[depth]):
        depth += 1
    root, below = "/".join(parts[:depth]) + "/", parts[depth:]
    if below and not is_account(below[0]):
        raise UsageError(f"{place.url}: {below[0]} is no account", f"the accounts of a trail lie under s3://{place.bucket}/{root}")
    if len(below) > 1 and below[1] != EVENTS:
        raise UsageError(f"{place.url} holds {below[1]}, no events", f"events lie under s3://{place.bucket}/{root}{below[0]}/{EVENTS}/")
    day = "/".join(below[3:])
    if day and span_of(day) is None:
        raise UsageError(f"{place.url}: {day} is no day", "write YYYY, YYYY/MM or YYYY/MM/DD below the Region")
    return Start(root, below[0] if below else "", below[2] if len(below) > 2 else "", day)


def span_of(day: str) -> tuple[datetime, datetime] | None:
    """The first and the last day of `2026`, `2026/11` or `2026/11/27`; None when it is none of them."""
    parts = day.split("/")
    if (
        len(parts) > 3
        or not all(part.isascii() and part.isdigit() for part in parts)
        or [len(part) for part in parts] != [4, 2, 2][: len(parts)]
    ):
        return None
    year, month, number = (*(int(part) for part in parts), 0, 0)[:3]
    try:
        first = datetime(year, month or 1, number or 1, tzinfo=UTC)
        return first, datetime(year, month or 12, number or calendar.monthrange(year, month or 12)[1], tzinfo=UTC)
    except ValueError:
        return None
