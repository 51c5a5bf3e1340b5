"""What can follow on a command line, from what lies on this disk: no network, no screen, no engine, and a tenth of a second."""

from __future__ import annotations

import configparser
import os
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import click
import msgspec
from click.shell_completion import CompletionItem, _resolve_context, _resolve_incomplete

from .. import config
from ..config import Settings

_MOST = 400
"""Names offered at most: a shell asks before it shows more than a hundred."""
_SECONDS = 0.15
"""Time to look for names in evidence; what is not found by then is not offered."""
_LARGEST = 32 << 20
"""Bytes of evidence files above which no names are looked for."""

Options = Mapping[str, Any]


def offered(root: click.Command, program: str, args: list[str], incomplete: str) -> list[CompletionItem[str]]:
    """What can follow `args` and begins with `incomplete`."""
    ctx = _resolve_context(root, {}, program, args)
    if ctx.meta.get("target"):
        return []  # the words of a place in the explorer
    found, incomplete = _resolve_incomplete(ctx, args, incomplete)
    items = found.shell_complete(ctx, incomplete)
    options: dict[str, Any] = {**ctx.find_root().params, **{k: v for k, v in ctx.params.items() if v not in (None, (), False, "")}}
    if isinstance(found, click.Parameter) and not items:
        if found.name in _FILES:
            return [CompletionItem(incomplete, type="file")]
        kind = _kind_of(found, ctx)
        if kind is not None:
            return _begun(kind(options, ctx), incomplete)
    if found is root and incomplete and not incomplete.startswith("-"):
        items = [*items, *_begun(_identities(options, ctx), incomplete)]
    return items


def _begun(values: Iterable[str], incomplete: str) -> list[CompletionItem[str]]:
    wanted = incomplete.casefold()
    chosen = [value for value in dict.fromkeys(values) if value.casefold().startswith(wanted)]
    exact = [value for value in chosen if value.startswith(incomplete)]
    return [CompletionItem(value) for value in (exact or chosen)[:_MOST]]


def _kind_of(param: click.Parameter, ctx: click.Context) -> Callable[[Options, click.Context], Iterable[str]] | None:
    name = param.name or ""
    if isinstance(param, click.Argument) and (param.metavar or "") == "[CAMPAIGN]":
        return _campaigns
    if ctx.command.name == "sql" and name == "name":
        return _queries
    if ctx.command.name == "practices" and name == "name":
        return _practices
    if ctx.command.name in ("list", "events") and name in ("words", "sort"):
        return _filter if name == "words" else _columns
    if ctx.command.name in ("help", "man"):
        return _pages
    return _KINDS.get(name)


def _settings(options: Options) -> Settings:
    return config.load({s.name: options[s.name] for s in config.SETTINGS if s.name in options})


# -- identities --------------------------------------------------------------------------------------------------------


def _identities(options: Options, _ctx: click.Context) -> Iterable[str]:
    """Names of users, roles, groups and policies."""
    from ..model.document import Document, Kind

    names: list[str] = []
    if options.get("demo"):
        from datetime import UTC, datetime

        from ..source.demo import DemoSource

        source: Any = DemoSource(now=datetime.now(UTC))
    elif options.get("evidence"):
        from ..source.evidence import EvidenceSource

        if _bytes(options["evidence"]) > _LARGEST:
            return []
        source = EvidenceSource(options["evidence"])
    else:
        return _kept(options)
    until = time.monotonic() + _SECONDS
    for item in source.account(lambda: time.monotonic() > until):
        if isinstance(item, Document) and item.kind is Kind.AUTHORIZATION:
            names += _named(item.body)
            if options.get("demo"):
                break
    return sorted({name for name in names if not name.startswith("-")}, key=str.casefold)


def _bytes(given: Iterable[str]) -> int:
    """Bytes of evidence files; counting stops where there are too many."""
    size = 0
    for path in given:
        place = Path(path).expanduser()
        for folder, _, names in os.walk(place) if place.is_dir() else [(str(place.parent), [], [place.name])]:
            for name in names:
                try:
                    size += (Path(folder) / name).stat().st_size
                except OSError:
                    continue
                if size > _LARGEST:
                    return size
    return size


class _User(msgspec.Struct):
    UserName: str = ""


class _Role(msgspec.Struct):
    RoleName: str = ""


class _Group(msgspec.Struct):
    GroupName: str = ""


class _Policy(msgspec.Struct):
    PolicyName: str = ""


class _Page(msgspec.Struct):
    """Of GetAccountAuthorizationDetails nothing but names."""

    UserDetailList: list[_User] = []
    RoleDetailList: list[_Role] = []
    GroupDetailList: list[_Group] = []
    Policies: list[_Policy] = []


def _named(body: bytes) -> list[str]:
    page = msgspec.json.decode(body, type=_Page)
    return [
        *(one.UserName for one in page.UserDetailList),
        *(one.RoleName for one in page.RoleDetailList),
        *(one.GroupName for one in page.GroupDetailList),
        *(one.PolicyName for one in page.Policies),
    ]


def _kept(options: Options) -> Iterable[str]:
    """Names of the account this connection led to before; of every account that is kept, where it led to none."""
    settings = _settings(options)
    if not (settings.cache_path / "cache.db").exists():
        return []
    from ..source.live import LiveOptions, LiveSource
    from ..store.cache import Cache

    source = LiveSource(
        LiveOptions(profile=settings.profile, regions=settings.regions, role_arn=settings.role_arn, endpoint_url=settings.endpoint_url)
    )
    cache = Cache(settings.cache_path)
    try:
        account = cache.account_of(source.info.connection)
        accounts = (account,) if account else cache.accounts()
        return sorted({name for one in accounts for name in cache.names(one) if not name.startswith("-")}, key=str.casefold)
    finally:
        cache.close()


# -- the rest ----------------------------------------------------------------------------------------------------------


def _profiles(_options: Options, _ctx: click.Context) -> Iterable[str]:
    """Profiles of the AWS CLI's two files, read as text."""
    names: list[str] = []
    for variable, usual in (("AWS_CONFIG_FILE", "~/.aws/config"), ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")):
        parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
        try:
            parser.read_string(Path(os.environ.get(variable, usual)).expanduser().read_text(encoding="utf-8", errors="replace"))
        except (OSError, configparser.Error):
            continue
        for section in parser.sections():
            kind, _, name = section.partition(" ")
            if not name and (kind == "default" or variable != "AWS_CONFIG_FILE"):
                names.append(kind)
            elif kind == "profile" and name:
                names.append(name.strip().strip("\"'"))
    return sorted(set(names))


def _campaigns(options: Options, _ctx: click.Context) -> Iterable[str]:
    path = _settings(options).ledger_path
    if not path.exists():
        return []
    from ..model.review import Campaign
    from ..store.ledger import Ledger

    ledger = Ledger(path)
    try:
        return [entry.body.name for entry in ledger.since()[0] if isinstance(entry.body, Campaign)][::-1]
    finally:
        ledger.close()


def _queries(_options: Options, _ctx: click.Context) -> Iterable[str]:
    from ..query.saved import QUERIES

    return [query.name for query in QUERIES]


def _practices(_options: Options, _ctx: click.Context) -> Iterable[str]:
    from ..analysis.practice_texts import TEXTS

    return [text.id for text in TEXTS]


def _columns(_options: Options, ctx: click.Context) -> Iterable[str]:
    from ..analysis.lists import columns

    names = [column.id for column in columns("events" if ctx.command.name == "events" else str(ctx.params.get("kind") or "users"))]
    return [*names, *(f"-{name}" for name in names)]


def _filter(options: Options, ctx: click.Context) -> Iterable[str]:
    return [f"{name}:" for name in _columns(options, ctx) if not name.startswith("-")]


def _themes(_options: Options, _ctx: click.Context) -> Iterable[str]:
    from .. import paths

    shipped = Path(__file__).parents[1] / "themes"
    folders = (shipped if shipped.is_dir() else Path(__file__).parents[2] / "themes", paths.themes_dir())
    return sorted({path.stem for folder in folders if folder.is_dir() for path in folder.glob("*.toml")})


def _pages(_options: Options, ctx: click.Context) -> Iterable[str]:
    from .manual import TOPICS, pages

    asked = " ".join(ctx.params.get("asked") or ())
    lead = f"{asked} " if asked else ""
    names = [name.removeprefix(lead).split(" ")[0] for name in pages() if name.startswith(lead)]
    return [name for name in names if name] + ([] if asked or ctx.command.name == "man" else list(TOPICS))


_FILES = frozenset({"evidence", "ledger", "file", "files", "bundles", "old", "new", "more_old", "more_new", "source", "leavers"})
"""Parameters that take a path; the shell completes it."""

_KINDS: dict[str, Callable[[Options, click.Context], Iterable[str]]] = {
    "profile": _profiles,
    "theme": _themes,
    "campaign": _campaigns,
    "name": _identities,
    "other": _identities,
    "who": _identities,
    "target": _identities,
    "targets": _identities,
}
"""What a parameter of that name takes, whichever command it belongs to."""
