"""From options to an open session: the one choice of source, the same for all commands."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .. import config
from ..config import Settings
from ..errors import AwsError, IamtuiError, NotFoundError, UsageError

if TYPE_CHECKING:
    from ..model.document import Gap
    from ..session import Session
    from ..source.base import Cancelled, Step
    from ..source.evidence import EvidenceSource
    from ..source.live import LiveOptions
    from ..source.live.mirror import Mirror

_FLAGS = tuple(setting.name for setting in config.SETTINGS)


def settings_of(options: Mapping[str, Any]) -> Settings:
    """Settings with the command line's flags on top."""
    return config.load({name: options[name] for name in _FLAGS if name in options})


def open_session(options: Mapping[str, Any], settings: Settings, *, now: Any = None) -> Session:
    """The session of the chosen source, not yet opened. Raises UsageError when two sources are chosen."""
    session = _session_of(options, settings, now)
    from ..session.reviewing import ReviewSettings

    # What is decided about the demo account is forgotten with it, unless a file is named.
    ledger = None if options.get("demo") and not settings.ledger else settings.ledger_path
    session.review_settings = ReviewSettings(ledger, settings.reviewer, settings.owner_tags)
    return session


def _session_of(options: Mapping[str, Any], settings: Settings, now: Any) -> Session:
    from ..session import Session, utc_now

    clock = (lambda: now) if now is not None else utc_now
    evidence: tuple[str, ...] = tuple(options.get("evidence") or ())
    if options.get("demo") and evidence:
        raise UsageError("--demo and --from are two sources", "choose one of them")
    if options.get("demo"):
        from ..source.demo import DemoSource

        return Session(DemoSource(now=clock()), now=clock)
    if evidence:
        return Session(evidence_source(evidence, settings), now=clock, trails=settings.cache_path / "trails")
    from ..source.live import KeptTrail, LiveSource, TrailSource
    from ..store.cache import Cache

    since, until = time_bounds(options, clock())
    source = (KeptTrail if settings.trail and settings.offline else TrailSource if settings.trail else LiveSource)(
        live_options(settings, since, until), mfa_prompt=ask_for_code
    )
    cache = Cache(settings.cache_path)
    trails = settings.cache_path / "trails"
    if settings.offline:
        kept = source if isinstance(source, KeptTrail) else None
        return Session(None, cache, offline=True, now=clock, connection=source.info, trails=trails, kept=kept)
    return Session(source, cache, now=clock, trails=trails)


def evidence_source(paths: Sequence[str], settings: Settings) -> EvidenceSource:
    """Files and folders, and what lies below addresses in S3: that is fetched when it is read, not before."""
    from ..source.evidence import EvidenceSource

    if not any(path.startswith("s3://") for path in paths):
        return EvidenceSource(paths)
    mirrors = {path: mirror_of(path, settings) for path in paths if path.startswith("s3://")}

    def bring(cancelled: Cancelled) -> Iterator[Step | Gap]:
        for mirror in mirrors.values():
            yield from mirror.bring(cancelled)

    return EvidenceSource([str(mirrors[path].path) if path in mirrors else path for path in paths], bring)


def mirror_of(url: str, settings: Settings) -> Mirror:
    """The private copy of what lies below an address in S3."""
    from ..source.live.mirror import Mirror

    return Mirror(live_options(settings), url, settings.cache_path / "s3", ask_for_code, offline=settings.offline)


def fetched(paths: Sequence[str], settings: Settings) -> tuple[str, ...]:
    """Paths, those in S3 fetched now and named by their copies; what could not be had is said. Raises AwsError when nothing can be had."""
    from ..model.document import Gap
    from .output import words

    found = []
    for path in paths:
        if not path.startswith("s3://"):
            found.append(path)
            continue
        mirror = mirror_of(path, settings)
        for item in mirror.bring(lambda: False):
            if isinstance(item, Gap):
                words(f"{item.state.value}: {item.reason}{f'; {item.hint}' if item.hint else ''}")
        found.append(str(mirror.path))
    return tuple(found)


def live_options(settings: Settings, since: datetime | None = None, until: datetime | None = None) -> LiveOptions:
    """The way into an account, as the settings have it. `since`, `until`: days of a trail's bucket."""
    from ..source.live import LiveOptions

    return LiveOptions(
        profile=settings.profile,
        regions=settings.regions,
        role_arn=settings.role_arn,
        external_id=settings.external_id,
        mfa_serial=settings.mfa_serial,
        endpoint_url=settings.endpoint_url,
        lookup_days=settings.lookup_days,
        trail=settings.trail,
        trail_days=settings.trail_days,
        trail_accounts=settings.trail_accounts,
        trail_since=since,
        trail_until=until,
    )


def time_bounds(options: Mapping[str, Any], now: datetime) -> tuple[datetime | None, datetime | None]:
    """What --since and --until name. Raises UsageError for what is no time."""
    since, until = options.get("since") or "", options.get("until") or ""
    if not since and not until:
        return None, None
    from ..analysis.filtering import moment_of

    return moment_of(since, now) if since else None, moment_of(until, now, end=True) if until else None


def find_trail(session: Session) -> None:
    """Where a trail is chosen, look it up before anything is read. Raises UsageError when there is none, AwsError when nobody may know."""
    if session.trail.delivered:
        _ = session.trail.store


def ask_for_code(question: str) -> str:
    """The MFA code, asked on the terminal before any screen is up; "" where nobody can be asked."""
    if not sys.stdin.isatty():
        return ""
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline().strip()


def read_all(session: Session) -> None:
    """What a command needs before it answers: the account, from disk, then from the source."""
    session.open()
    if session.info.kind != "demo" and not session.offline:
        for _ in session.refresh():
            pass


def unread(session: Session) -> AwsError | None:
    """Why nothing at all could be read of a live account; None when something was."""
    from ..session import Link

    if session.world.snapshots or session.link not in (Link.NO_CREDENTIALS, Link.UNREACHABLE):
        return None
    told = session.problems()
    return AwsError(told[-1].what if told else "AWS could not be reached", told[-1].hint if told else "")


def not_found(session: Session, message: str, hint: str = "") -> IamtuiError:
    """The error about a name that is nowhere. Where nothing could be read that is the reason, and no name is blamed."""
    return unread(session) or NotFoundError(message, hint)


def say_problems(session: Session) -> None:
    """What went wrong, in words on standard error."""
    from .output import words

    for problem in session.problems():
        words(f"{problem.what}" + (f" ({problem.where})" if problem.where else "") + (f"; {problem.hint}" if problem.hint else ""))


def exit_code(session: Session) -> int:
    """0 when everything was read, 4 when something is missing, 3 when nothing could be read at all."""
    from ..errors import Exit
    from ..session import Link

    snapshots = session.world.snapshots
    if session.link in (Link.NO_CREDENTIALS, Link.UNREACHABLE) and not snapshots:
        return int(Exit.AWS_UNREACHABLE)
    if not snapshots and session.info.kind == "evidence":
        return int(Exit.WRONG_USE)
    gaps = session.world.gaps or any(snapshot.gaps for snapshot in snapshots)
    if gaps or session.link in (Link.NO_CREDENTIALS, Link.UNREACHABLE):
        return int(Exit.PARTIAL)
    return int(Exit.FINE)
