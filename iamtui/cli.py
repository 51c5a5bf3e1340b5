"""The command line: the one place that assembles. A command is a source, a question to the session, and an output format."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

import click

from . import __version__
from .commands.documented import Group, Root, quiet_end

_KINDS = ("users", "roles", "groups", "policies", "findings")


class _Group(Root):
    """A first word that is no command is a target: `iamtui deploy-bot` opens the explorer there."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        rest = super().parse_args(ctx, args)
        words = [*ctx._protected_args, *ctx.args]
        headless = ("--format", "--limit", "--since", "--until", "-o", "--help", "-h", "--fail-on")
        if words and (
            words[0] not in self.commands or (words[0] == "events" and sys.stdout.isatty() and not _has(words, headless[:2] + headless[4:]))
        ):
            ctx.meta["target"] = _target(words)
            ctx._protected_args, ctx.args = [], []
            return []
        return rest


def _has(words: list[str], options: tuple[str, ...]) -> bool:
    return any(word.split("=")[0] in options for word in words)


def _target(words: list[str]) -> str:
    """`events AttachUserPolicy --since 7d` is the list with the filter `AttachUserPolicy since:7d`."""
    parts: list[str] = []
    place = 0
    while place < len(words):
        word = words[place]
        if word in ("--since", "--until") and place + 1 < len(words):
            parts.append(f"{word[2:]}:{words[place + 1]}")
            place += 2
            continue
        if word.startswith(("--since=", "--until=")):
            word = word[2:].replace("=", ":", 1)
        elif word.startswith("-") and place:
            raise click.UsageError(f"{word} is no option here; options stand before the target, as in iamtui --demo deploy-bot")
        parts.append(word)
        place += 1
    return " ".join(parts)


_SOURCE = (
    click.Option(["--profile"], help="AWS profile (as in the AWS CLI)."),
    click.Option(["--region", "regions"], multiple=True, help="Region whose events are read; several times for several."),
    click.Option(["--role-arn"], help="Role to assume first."),
    click.Option(["--external-id"], help="External id for that role."),
    click.Option(["--mfa-serial"], help="MFA device for that role; the code is asked for."),
    click.Option(["--endpoint-url"], help="Another endpoint for all services."),
    click.Option(["--lookup-days"], type=click.IntRange(1, 90), help="Days of events to look up (90)."),
    click.Option(["--trail"], help="Events from a trail's bucket: the trail's name, its ARN, or s3://BUCKET/PREFIX."),
    click.Option(["--trail-days"], type=click.IntRange(1, 3650), help="Days of the bucket to read (30)."),
    click.Option(
        ["--trail-account", "trail_accounts"], multiple=True, help="Account of an organisation's trail; several times for several."
    ),
    click.Option(
        ["--from", "evidence"],
        multiple=True,
        metavar="PATH",
        help="Evidence: saved answers, CloudTrail files, bundles, folders; s3://BUCKET/PREFIX.",
    ),
    click.Option(["--demo"], is_flag=True, help="The demo account: no network, no credentials."),
    click.Option(["--offline"], is_flag=True, default=None, help="No network: show what was read before."),
    click.Option(["--cache-dir"], help="Folder of the cache."),
    click.Option(["--ledger"], metavar="FILE", help="File of reviewers' decisions."),
    click.Option(["--reviewer"], metavar="NAME", help="Who decides (user@host)."),
    click.Option(["--owner-tag", "owner_tags"], multiple=True, metavar="TAG", help="A tag that names an owner; several times."),
)
"""The one source choice, for all commands; made once, because a start waits for it."""

_ENGINE = (
    click.Option(["--engine"], type=click.Choice(["local", "athena", "lake"]), help="What answers SQL (local)."),
    click.Option(["--athena-workgroup"], metavar="NAME", help="Athena workgroup (the one that has a place for results)."),
    click.Option(["--athena-catalog"], metavar="NAME", help="Data catalog (AwsDataCatalog)."),
    click.Option(["--athena-database"], metavar="NAME", help="Database of the table."),
    click.Option(["--athena-table"], metavar="NAME", help="Table of CloudTrail events, also database.table (found)."),
    click.Option(["--athena-output"], metavar="s3://…", help="Where results go (where the workgroup says)."),
    click.Option(["--lake-store"], metavar="NAME", help="Event data store: name, id or ARN (found)."),
)
"""Engines of SQL, for the explorer and for `sql`."""


def _engine_options(command: Callable[..., Any]) -> Callable[..., Any]:
    vars(command).setdefault("__click_params__", []).extend(reversed(_ENGINE))
    return command


def _source_options(command: Callable[..., Any]) -> Callable[..., Any]:
    held = vars(command).setdefault("__click_params__", [])  # where click's own decorators put theirs, the last one first
    held.extend(reversed(_SOURCE))
    return command


def _choices(ctx: click.Context, /, given: dict[str, Any]) -> dict[str, Any]:
    """Source options given before and after the command's name, joined."""
    chosen = dict(ctx.find_root().params)
    for name, value in given.items():
        if value not in (None, (), False):
            chosen[name] = value
    return chosen


@click.group(cls=_Group, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@_source_options
@_engine_options
@click.option("--theme", help="Palette for this run.")
@click.option("--charts", type=click.Choice(["auto", "blocks", "plain"]), help="Signs of the Summary's charts.")
@click.option("--animations/--no-animations", default=None, help="Smooth scrolling (off).")
@click.option("--mouse/--no-mouse", default=None, help="Mouse support (on).")
@click.option("--clipboard-cap", type=int, help="Bytes sent to the clipboard at most.")
@click.version_option(__version__, prog_name="iamtui")
@click.pass_context
def cli(ctx: click.Context, /, **options: Any) -> None:
    """A read-only terminal explorer of AWS identity: who can do what in an account, and who did.

    Without a command it opens the explorer: `iamtui`, `iamtui --demo`, `iamtui --from FILE…`, and at a place: `iamtui
    deploy-bot`, `iamtui role/ci-deploy`, `iamtui AKIA…`, `iamtui arn:…`, `iamtui roles ci-`, `iamtui events AttachUserPolicy --since 7d`.
    """
    if ctx.invoked_subcommand is None:
        from .commands.explore import explore

        ctx.exit(explore(ctx.params, ctx.meta.get("target", "")))


def _form(ctx: click.Context, _param: click.Parameter, value: str) -> str:
    """To a command JSON lines are JSON; what is printed asks `ctx.meta`."""
    if value == "jsonl":
        ctx.meta["iamtui.lines"] = True
        return "json"
    return value


def _forms(*more: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`--format`: a table, JSON, JSON lines, and more."""
    forms = click.Choice(["table", "json", "jsonl", *more])
    return click.option("--format", "form", type=forms, default="table", callback=_form, help="Output form.")


def _fails(*names: str, default: str = "none") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`--fail-on`: what makes the exit code 1. Without names: anything, or a severity."""
    choice = click.Choice(["none", "any", *(names or ("low", "medium", "high", "critical"))])
    said = "Exit 1 when something is found: any, or of this severity and graver." if not names else "What exits 1."
    return click.option("--fail-on", "fail_on", type=choice, default=default, show_default=True, help=said)


_fails_on_any = click.option(
    "--fail-on", "fail_on", type=click.Choice(["none", "any"]), default="none", show_default=True, help="Exit 1 when something is found."
)
_checks = click.option(
    "--fail-on", "fail_on", type=click.Choice(["none", "any"]), default="any", show_default=True, help="none: a report, and no check."
)
_format_option = _forms("csv")


@cli.command("list")
@click.argument("kind", type=click.Choice(_KINDS))
@click.argument("words", nargs=-1, metavar="[FILTER]")
@click.option("--sort", default="", help="Column to sort by; a leading - turns the order round.")
@_fails()
@_format_option
@_source_options
@click.pass_context
def list_command(ctx: click.Context, /, kind: str, words: tuple[str, ...], sort: str, fail_on: str, form: str, **given: Any) -> None:
    """List users, roles, groups, policies or findings, narrowed by the filter of the explorer (mfa:no last-seen:>90d)."""
    from .commands.lists import list_rows

    ctx.exit(list_rows(_choices(ctx, given), kind, " ".join(words), sort, form, fail_on))


@cli.command()
@click.argument("words", nargs=-1, metavar="[FILTER]")
@click.option("--sort", default="", help="Column to sort by; a leading - turns the order round.")
@_format_option
@_source_options
@click.pass_context
def accounts(ctx: click.Context, /, words: tuple[str, ...], sort: str, form: str, **given: Any) -> None:
    """Accounts that are open or known of: where each stands in its organisation, how old it is, what is missing and why."""
    from .commands.accounts import print_accounts

    ctx.exit(print_accounts(_choices(ctx, given), " ".join(words), sort, form))


@cli.command()
@click.argument("name")
@click.option("--last-used", is_flag=True, help="Ask for last-accessed details first.")
@click.option("--activity", is_flag=True, help="Look up its events first.")
@_format_option
@_source_options
@click.pass_context
def identity(ctx: click.Context, /, name: str, last_used: bool, activity: bool, form: str, **given: Any) -> None:
    """Everything about one user, role, group or policy: by name, ARN, unique id or access key."""
    from .commands.identity import show_identity

    ctx.exit(show_identity(_choices(ctx, given), name, form, last_used=last_used, activity=activity))


@cli.command()
@click.argument("words", nargs=-1, metavar="[FILTER]")
@click.option("--since", default="", help="Not before: 7d, 24h, 2026-10-01.")
@click.option("--until", default="", help="Before: 7d, 24h, 2026-10-01.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many, newest first (all).")
@click.option("--identity", "who", default="", help="Only events of this identity (LookupEvents asks for it).")
@_fails()
@_format_option
@_source_options
@click.pass_context
def events(
    ctx: click.Context,
    /,
    words: tuple[str, ...],
    since: str,
    until: str,
    limit: int | None,
    who: str,
    fail_on: str,
    form: str,
    **given: Any,
) -> None:
    """CloudTrail events, newest first, narrowed by the filter of the explorer (AttachUserPolicy outcome:denied)."""
    from .commands.events import list_events

    ctx.exit(
        list_events(
            _choices(ctx, {**given, "since": since, "until": until}),
            " ".join(words),
            limit,
            who,
            form,
            since=since,
            until=until,
            fail_on=fail_on,
        )
    )


def _context_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--context", "pairs", multiple=True, metavar="KEY=VALUE", help="A condition key of the request; several times.")(
        command
    )


@cli.command()
@click.argument("name")
@click.argument("action")
@click.argument("resource", default="*")
@_context_option
@_forms()
@_source_options
@click.pass_context
def can(ctx: click.Context, /, name: str, action: str, resource: str, pairs: tuple[str, ...], form: str, **given: Any) -> None:
    """Whether an identity may do an action on a resource, because of what, and what is not in the answer (1: it may not)."""
    from .commands.access import can as answer

    ctx.exit(answer(_choices(ctx, given), name, action, resource, pairs, form))


@cli.command()
@click.argument("target")
@click.option("--own", is_flag=True, help="Leave out what was done with users and keys that were made on the way.")
@_forms("csv", "markdown")
@_source_options
@click.pass_context
def story(ctx: click.Context, /, target: str, own: bool, form: str, **given: Any) -> None:
    """What one actor did, in order, over keys, role sessions and Regions: by name, ARN, access key, address or event id."""
    from .commands.story import tell_story

    ctx.exit(tell_story(_choices(ctx, given), target, form, follow=not own))


@cli.command()
@click.argument("source", metavar="FILE|-|TEXT")
@_forms("markdown")
@_source_options
@click.pass_context
def triage(ctx: click.Context, /, source: str, form: str, **given: Any) -> None:
    """An alert in, who and what is behind it out: an EventBridge event, a GuardDuty, Security Hub or Access Analyzer finding, a CloudWatch
    alarm, an SNS envelope, a CloudTrail record; or a bare key id, ARN, address, event or request id."""
    from .commands.triage import triage as answer

    ctx.exit(answer(_choices(ctx, given), source, form))


@cli.command()
@click.argument("words", nargs=-1, metavar="[FILTER]")
@click.option("--every", type=click.IntRange(5, 3600), default=30, show_default=True, help="Seconds between two looks.")
@click.option("--ring", type=click.Choice(["critical", "high", "medium", "low"]), help="Ring and notify from this class on.")
@click.option("--looks", type=click.IntRange(min=0), default=0, help="Look so often, then end (for ever).")
@_forms()
@_source_options
@click.pass_context
def watch(ctx: click.Context, /, words: tuple[str, ...], every: int, ring: str | None, looks: int, form: str, **given: Any) -> None:
    """New events as they arrive, of a live account (event history: minutes late) or of a folder that files are delivered to."""
    from .commands.watch import watch as run

    ctx.exit(run(_choices(ctx, given), " ".join(words), form, every=every, ring=ring or "", looks=looks))


@cli.command()
@click.argument("text", default="", metavar="[QUERY|-]")
@click.option("-q", "--query", "name", default="", help="A saved query (--list names them).")
@click.option("-p", "--param", "parameters", multiple=True, metavar="NAME=VALUE", help="A parameter of the saved query.")
@click.option("-f", "--file", default="", help="A file with the query, - for standard input.")
@click.option("--list", "listed", is_flag=True, help="Name the saved queries.")
@click.option("--show", is_flag=True, help="Print the query as the engine gets it, and ask nothing.")
@click.option("--since", default="", help="Ask events of this time only: 7d, 24h, 2026-10-01; of a trail's bucket only they are read.")
@click.option("--until", default="", help="And not after this time.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many rows.")
@click.option("--no-time-bound", "unbounded", is_flag=True, help="Ask Athena or Lake even when nothing bounds the time of events.")
@_fails_on_any
@_format_option
@_engine_options
@_source_options
@click.pass_context
def sql(
    ctx: click.Context,
    /,
    text: str,
    name: str,
    parameters: tuple[str, ...],
    file: str,
    listed: bool,
    show: bool,
    since: str,
    until: str,
    limit: int | None,
    unbounded: bool,
    fail_on: str,
    form: str,
    **given: Any,
) -> None:
    """Ask events in SQL: Athena's dialect, table cloudtrail_logs, AWS's column names. Also runs CloudTrail Lake's queries.

    \b
    iamtui sql --demo -q users-created
    iamtui sql --from trail/ "SELECT eventname, count(*) FROM cloudtrail_logs GROUP BY 1 ORDER BY 2 DESC LIMIT 10"
    iamtui sql --engine athena -q denied -p days=3
    """
    from .commands.sql import ask, list_queries, query_text

    if listed:
        ctx.exit(list_queries(form))
    query = query_text(text, name, file, parameters)
    ctx.exit(
        ask(_choices(ctx, {**given, "since": since, "until": until}), query, form, limit, show=show, unbounded=unbounded, fail_on=fail_on)
    )


@cli.command("who-can")
@click.argument("action")
@click.argument("resource", default="*")
@_context_option
@_fails_on_any
@_format_option
@_source_options
@click.pass_context
def who_can(ctx: click.Context, /, action: str, resource: str, pairs: tuple[str, ...], fail_on: str, form: str, **given: Any) -> None:
    """Everyone who may do an action on a resource: users, roles, and whom resource policies let in."""
    from .commands.access import who_can as answer

    ctx.exit(answer(_choices(ctx, given), action, resource, pairs, form, fail_on))


@cli.command()
@click.argument("name")
@click.argument("other", default="")
@_format_option
@_source_options
@click.pass_context
def access(ctx: click.Context, /, name: str, other: str, form: str, **given: Any) -> None:
    """What an identity may do within its limits, by service and access level; with OTHER, what one may and the other may not."""
    from .commands.effective import print_access

    ctx.exit(print_access(_choices(ctx, given), name, other, form))


@cli.command()
@click.argument("name", default="")
@_checks
@_format_option
@_source_options
@click.pass_context
def escalations(ctx: click.Context, /, name: str, fail_on: str, form: str, **given: Any) -> None:
    """Who can become an administrator, and how: published escalation paths and chains of roles (1: there is a way)."""
    from .commands.escalations import print_escalations

    ctx.exit(print_escalations(_choices(ctx, given), name, form, fail_on))


@cli.command()
@_fails()
@_format_option
@_source_options
@click.pass_context
def exposure(ctx: click.Context, /, fail_on: str, form: str, **given: Any) -> None:
    """What can be reached from outside: roles and resources open to other accounts, identity providers or everybody."""
    from .commands.exposure import print_exposure

    ctx.exit(print_exposure(_choices(ctx, given), form, fail_on))


@cli.command()
@click.option(
    "--status", "statuses", multiple=True, type=click.Choice(["active", "archived", "resolved"]), help="Only AWS's findings of this status."
)
@_fails_on_any
@_format_option
@_source_options
@click.pass_context
def analyzer(ctx: click.Context, /, statuses: tuple[str, ...], fail_on: str, form: str, **given: Any) -> None:
    """Access Analyzer's findings of all chosen Regions side by side with exposure and unused access as worked out here, and why they differ."""
    from .commands.analyzer import print_analyzer

    ctx.exit(print_analyzer(_choices(ctx, given), statuses, form, fail_on))


@cli.command()
@click.argument("name", default="")
@click.option("--fail-under", "least", type=click.IntRange(1, 100), metavar="PERCENT", help="Exit 1 when one is kept by less than this.")
@_forms("csv", "markdown")
@_source_options
@click.pass_context
def practices(ctx: click.Context, /, name: str, least: int | None, form: str, **given: Any) -> None:
    """The ten practices of an IAM audit, each with who breaks it; of one, all of them (`iamtui practices mfa`)."""
    from .commands.practices import print_practices

    ctx.exit(print_practices(_choices(ctx, given), name, form, least))


@cli.command()
@click.argument("name", default="")
@click.argument("words", nargs=-1, metavar="[FILTER]")
@click.option("--since", default="", metavar="AGE|DATE", help="Only what changed since: 7d, 36h, 2026-01-31.")
@click.option("--admin", is_flag=True, help="Only what gives or takes an administrator's rights.")
@click.option("--rollback", type=click.Choice(["cli", "terraform"]), help="Print the text that puts the entries back; nothing is run.")
@_fails_on_any
@_forms("csv", "markdown")
@_source_options
@click.pass_context
def changes(
    ctx: click.Context,
    /,
    name: str,
    words: tuple[str, ...],
    since: str,
    admin: bool,
    rollback: str | None,
    fail_on: str,
    form: str,
    **given: Any,
) -> None:
    """What changed of an identity or policy, or in the account: when, by whom, what it gave and took, who tells it.

    FILTER: since:7d until:2026-01-31 by:NAME on:NAME kind:attached source:config, !word for not.

    \b
    iamtui changes --demo t.dubois
    iamtui changes --demo data-lake-access --rollback cli
    iamtui changes --demo --since 30d --admin
    """
    from .commands.changes import print_changes

    if ":" in name and not name.startswith("arn:"):
        name, words = "", (name, *words)
    ctx.exit(print_changes(_choices(ctx, given), name, words, since, form, rollback or "", fail_on, admin=admin))


@cli.command()
@click.argument("events", nargs=-1, metavar="[EVENT]…")
@click.option("--missing", is_flag=True, help="Only what nobody hears of for certain.")
@click.option("--text", type=click.Choice(["cli", "terraform", "cloudformation"]), help="Text for what is missing.")
@click.option("--states", is_flag=True, help="The alarms as they are now; named ones with their history and the events that raised them.")
@_checks
@_format_option
@_source_options
@click.pass_context
def alarms(
    ctx: click.Context, /, events: tuple[str, ...], missing: bool, text: str | None, states: bool, fail_on: str, form: str, **given: Any
) -> None:
    """Would an alarm fire for DeleteUser, and who would hear? Metric filters and rules, evaluated on sample events (1: nobody would)."""
    from .commands.alarms import print_alarms

    ctx.exit(print_alarms(_choices(ctx, given), events, form, fail_on, missing=missing, text=text or "", states=states))


@cli.command()
@_checks
@_format_option
@_source_options
@click.pass_context
def logging(ctx: click.Context, /, fail_on: str, form: str, **given: Any) -> None:
    """Can this account be audited at all? Trails, log groups, Config, analyzers, reports (1: no trail records as it should)."""
    from .commands.alarms import print_logging

    ctx.exit(print_logging(_choices(ctx, given), form, fail_on))


@cli.command()
@_format_option
@_source_options
@click.pass_context
def guards(ctx: click.Context, /, form: str, **given: Any) -> None:
    """Every system an audit rests on and what it says: CloudTrail, alarms, Config, Access Analyzer, Access Advisor."""
    from .commands.alarms import print_guards

    ctx.exit(print_guards(_choices(ctx, given), form))


@cli.command()
@click.argument("name", default="")
@click.option("--days", default=90, type=click.IntRange(1, 400), show_default=True, help="Not used for so long is unused.")
@_fails_on_any
@_forms("csv", "markdown")
@_source_options
@click.pass_context
def unused(ctx: click.Context, /, name: str, days: int, fail_on: str, form: str, **given: Any) -> None:
    """What an identity, or everybody, may do and did not; and the smaller policies, checked by the engine."""
    from .commands.unused import print_unused

    ctx.exit(print_unused(_choices(ctx, given), name, days, form, fail_on))


@cli.group()
def sweep() -> None:
    """Questions asked of the whole account, one identity after the other."""


_SWEPT = ("users", "roles", "groups", "policies")


@sweep.command("last-used")
@click.argument("kinds", nargs=-1, type=click.Choice(_SWEPT), metavar="[KIND]…")
@click.option("--again", is_flag=True, help="Ask also for what is known and not a day old.")
@click.option("--services-only", is_flag=True, help="Ask by service, not by action too.")
@_format_option
@_source_options
@click.pass_context
def sweep_last_used(ctx: click.Context, /, kinds: tuple[str, ...], again: bool, services_only: bool, form: str, **given: Any) -> None:
    """Last-accessed details of all users, roles, groups and policies: at most four jobs at a time; goes on where it was stopped or killed."""
    from .commands.sweep import sweep as run

    ctx.exit(run(_choices(ctx, given), kinds, form, again=again, services_only=services_only))


@cli.command()
@click.argument("service", default="")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(_SWEPT), help="Only these; several times for several.")
@click.option("--filter", "filter_text", default="", help="As after / in the explorer: ci-, kind:roles, glue:>90d, s3:unused.")
@_format_option
@_source_options
@click.pass_context
def matrix(ctx: click.Context, /, service: str, kinds: tuple[str, ...], filter_text: str, form: str, **given: Any) -> None:
    """Identities by services and the age of the last use; with SERVICE, who holds it, the latest use first (matrix glue)."""
    from .commands.matrix import print_matrix

    ctx.exit(print_matrix(_choices(ctx, given), service, kinds, filter_text, form))


@cli.command()
@click.argument("old")
@click.argument("new")
@click.option("--for", "who", default="", metavar="IDENTITY", help="What the change means for this user, role or group.")
@click.option("--aws", "ask_aws", is_flag=True, help="Ask Access Analyzer's ValidatePolicy, too; the new policy's text is sent to AWS.")
@_checks
@_forms()
@_source_options
@click.pass_context
def preflight(ctx: click.Context, /, old: str, new: str, who: str, ask_aws: bool, fail_on: str, form: str, **given: Any) -> None:
    """A policy before it is applied: what is wrong, gained, lost and opened by it (1: access grows, or AWS would refuse it).

    OLD and NEW are files, - (standard input), names or ARNs of policies that were read; OLD can be `none`.
    """
    from .commands.preflight import check

    ctx.exit(check(_choices(ctx, given), old, new, who, form, ask_aws=ask_aws, fail_on=fail_on))


@cli.command()
@click.argument("account", default="")
@click.option("--ask", is_flag=True, help="Of a live account read its newest events, resource policies, trails and alarms first.")
@_fails()
@_forms("csv", "markdown")
@_source_options
@click.pass_context
def summary(ctx: click.Context, /, account: str, ask: bool, fail_on: str, form: str, **given: Any) -> None:
    """What stands out now, the gravest first: new admin grants, escalation, exposure, root use, old keys, unused administrators, alarms.

    Of all open accounts, or of one ACCOUNT. What was not looked at says so, with what to do (4).
    """
    from .commands.summary import print_summary

    ctx.exit(print_summary(_choices(ctx, given), account, form, ask=ask, fail_on=fail_on))


@cli.command()
@click.argument("old")
@click.argument("new")
@click.argument("words", nargs=-1, metavar="[FILTER]")
@click.option("--old", "more_old", multiple=True, metavar="PATH", help="More files of the older side; several times.")
@click.option("--new", "more_new", multiple=True, metavar="PATH", help="More files of the newer side, such as a trail that tells who.")
@click.option("--sort", default="", help="Column to sort by; a leading - turns the order round.")
@click.option("--who", "look_up", is_flag=True, help="NEW is a live account: look up who did it in CloudTrail's event history.")
@_fails("grown", "low", "medium", "high", "critical", default="grown")
@_forms("csv", "markdown")
@_source_options
@click.pass_context
def diff(
    ctx: click.Context,
    /,
    old: str,
    new: str,
    words: tuple[str, ...],
    more_old: tuple[str, ...],
    more_new: tuple[str, ...],
    sort: str,
    look_up: bool,
    fail_on: str,
    form: str,
    **given: Any,
) -> None:
    """What is another between two points in time: identities, grants, trust, keys, policies, access, and who did it (1: access grew).

    OLD and NEW are bundles, evidence folders or saved answers; NEW can be `now`: the account of the source options.
    """
    from .commands.diff import print_diff

    chosen = _choices(ctx, given)
    ctx.exit(print_diff(chosen, old, new, words, form, sort=sort, more_old=more_old, more_new=more_new, look_up=look_up, fail_on=fail_on))


@cli.command()
@click.argument("name")
@click.argument("bundles", nargs=-1, required=True, metavar="BUNDLE...")
@_forms("csv", "markdown")
@_source_options
@click.pass_context
def history(ctx: click.Context, /, name: str, bundles: tuple[str, ...], form: str, **given: Any) -> None:
    """One identity or policy over many bundles: when it appeared, and every difference with the two points it lies between.

    A BUNDLE can be a folder or a file of saved answers, too, or `now`. Their own dates decide their order.
    """
    from .commands.diff import print_history

    ctx.exit(print_history(_choices(ctx, given), name, bundles, form))


@cli.command()
@click.argument("file", type=click.File("rb"), default="-")
@click.pass_context
def evaluate(ctx: click.Context, file: BinaryIO) -> None:
    """Decide requests: one JSON object a line in (FILE or standard input), one JSON answer a line out.

    \b
    {"id": 1, "principal": "arn:aws:iam::123456789012:user/ana", "action": "s3:GetObject",
     "resource": "arn:aws:s3:::logs/a", "identityPolicies": [{"Statement": …}], "context": {"aws:SourceIp": "192.0.2.1"}}

    The keys of requests and answers stand in the README.
    """
    from .commands.evaluate import evaluate_lines

    ctx.exit(evaluate_lines(file))


@cli.command()
@click.option("-o", "--output", required=True, type=click.Path(), help="The bundle to write, or a folder for dated ones.")
@click.option("--every", default="", metavar="24h", help="Go on: a dated bundle into the folder each time (30min, 6h, 7d).")
@click.option("--keep", type=click.IntRange(min=1), default=None, help="Take the oldest dated ones of the account away beyond so many.")
@click.option("--times", type=click.IntRange(min=0), default=0, help="With --every: so often, then end (for ever).")
@click.option("--organization", is_flag=True, help="Every account of the organisation, and its policies, into the folder.")
@click.option("--accounts", multiple=True, metavar="FILE|ID,ID", help="These accounts instead: ids, or a file of them (lines, CSV, JSON).")
@click.option("--exclude", multiple=True, metavar="ID|NAME|FILE", help="Leave accounts out.")
@click.option("--role-name", metavar="NAME", help="Role to assume in each (OrganizationAccountAccessRole).")
@click.option("--at-once", type=click.IntRange(1, 16), default=None, help="Accounts read side by side (6).")
@click.option("--again", is_flag=True, help="Read accounts again whose bundle is younger than a day.")
@_source_options
@click.pass_context
def collect(ctx: click.Context, /, output: str, every: str, keep: int | None, times: int, **given: Any) -> None:
    """Write a portable bundle of what was read: raw answers, hashes, coverage; no secrets.

    In a folder it is called ACCOUNT-2026-11-27T0300Z.zip, and nothing is ever written over.

    With --organization or --accounts a role is assumed in each account, and the folder gets ACCOUNT.zip for each and organization.zip;
    `--from FOLDER` opens them all. The same command again reads what is missing. --external-id goes with every role.
    """
    from .commands.collect import collect_bundle

    ctx.exit(collect_bundle(_choices(ctx, given), output, every, keep or 0, times))


@cli.command()
@click.argument("view", nargs=-1, required=True)
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False), help="The SVG to write.")
@click.option("--size", default="120x36", help="Columns x rows.")
@click.option("--at", "clock", default="", hidden=True, help="Fixed clock, for pictures that do not change.")
@_source_options
@click.pass_context
def screenshot(ctx: click.Context, /, view: tuple[str, ...], output: str, size: str, clock: str, **given: Any) -> None:
    """A picture of a view: a list, help, a name and a tab (deploy-bot permissions), or a line after : (":unused deploy-bot")."""
    from .commands.screenshot import take_screenshot

    ctx.exit(take_screenshot(_choices(ctx, given), list(view), output, size, clock))


@cli.command()
@click.option("--policy", is_flag=True, help="Print the IAM policy iamtui needs, exactly its allow-list.")
@_source_options
@click.pass_context
def info(ctx: click.Context, /, policy: bool, **given: Any) -> None:
    """Where everything lies, versions, the catalogue's date, settings and where each came from."""
    from .commands.info import print_info

    ctx.exit(print_info(_choices(ctx, given), policy=policy))


@cli.group()
def cache() -> None:
    """What is kept on disk."""


@cache.command("info")
@_format_option
@_source_options
@click.pass_context
def cache_info(ctx: click.Context, /, form: str, **given: Any) -> None:
    """What is kept, by account and kind, with its age."""
    from .commands.caching import cache_report

    ctx.exit(cache_report(_choices(ctx, given), form))


@cache.command("clear")
@click.argument("account", default="")
@_source_options
@click.pass_context
def cache_clear(ctx: click.Context, /, account: str, **given: Any) -> None:
    """Forget one account, or everything."""
    from .commands.caching import clear_cache

    ctx.exit(clear_cache(_choices(ctx, given), account))


class _Late(Group):
    """A group whose commands are made when somebody asks for one: a start does not wait for them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        _review_commands()
        return super().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        _review_commands()
        return super().get_command(ctx, cmd_name)


@cli.group(cls=_Late)
def review() -> None:
    """Reviewers' decisions and campaigns: marks that last, a queue by risk and disuse, a signed end. Changes no account."""


@functools.cache
def _review_commands() -> None:
    def _campaign_argument(command: Callable[..., Any]) -> Callable[..., Any]:
        return click.argument("name", default="", metavar="[CAMPAIGN]")(command)

    @review.command("start")
    @click.argument("name")
    @click.option(
        "--scope",
        multiple=True,
        metavar="'LIST FILTER'",
        help='A list and its filter, "roles last-used:>90d"; several times (users and roles).',
    )
    @click.option(
        "--min-age", default=30, type=click.IntRange(0, 4000), show_default=True, help="Days within which something new is spared."
    )
    @click.option("--idle-days", default=90, type=click.IntRange(1, 400), show_default=True, help="Days without use that count as unused.")
    @click.option("--leavers", default="", metavar="FILE", help="People who left: they come first.")
    @_source_options
    @click.pass_context
    def review_start(
        ctx: click.Context, /, name: str, scope: tuple[str, ...], min_age: int, idle_days: int, leavers: str, **given: Any
    ) -> None:
        """Begin a campaign: freezes what is in its scope, with the evidence, in the order to look at it."""
        from .commands.review import start

        ctx.exit(start(_choices(ctx, given), name, scope, min_age, idle_days, leavers))

    @review.command("list")
    @_format_option
    @_source_options
    @click.pass_context
    def review_list(ctx: click.Context, /, form: str, **given: Any) -> None:
        """Campaigns, open and closed."""
        from .commands.review import list_campaigns

        ctx.exit(list_campaigns(_choices(ctx, given), form))

    @review.command("show")
    @_campaign_argument
    @_forms("csv", "markdown")
    @_source_options
    @click.pass_context
    def review_show(ctx: click.Context, /, name: str, form: str, **given: Any) -> None:
        """A campaign's progress by list and reviewer, its decisions and conflicts; as Markdown its report."""
        from .commands.review import show

        ctx.exit(show(_choices(ctx, given), name, form))

    @review.command("queue")
    @_campaign_argument
    @click.option("--open", "open_only", is_flag=True, help="Only what is not decided.")
    @click.option("--limit", type=click.IntRange(min=1), help="At most so many.")
    @_fails_on_any
    @_format_option
    @_source_options
    @click.pass_context
    def review_queue(ctx: click.Context, /, name: str, open_only: bool, limit: int | None, fail_on: str, form: str, **given: Any) -> None:
        """What to look at, the first on top, with its signs; without a campaign what one begun now would hold."""
        from .commands.review import queue

        ctx.exit(queue(_choices(ctx, given), name, form, open_only=open_only, limit=limit, fail_on=fail_on))

    @review.command("decide")
    @click.argument("decision", type=click.Choice(["keep", "reduce", "remove", "ask", "exception"]))
    @click.argument("targets", nargs=-1, metavar="[NAME]…")
    @click.option("--where", multiple=True, metavar="'LIST FILTER'", help="All that a filter lets through; several times.")
    @click.option("--reason", default="", help="Why.")
    @click.option("--expires", default="", metavar="WHEN", help="Until when it holds: 90d, 2027-01-31.")
    @click.option("--ticket", default="", help="Where it is tracked.")
    @click.option("--campaign", default="", help="The campaign it belongs to.")
    @click.option("--grant", default="", metavar="POLICY", help="About this policy of them alone.")
    @click.option("--key", default="", metavar="ID|1|2", help="About this access key of them alone.")
    @_source_options
    @click.pass_context
    def review_decide(ctx: click.Context, /, decision: str, targets: tuple[str, ...], where: tuple[str, ...], **given: Any) -> None:
        """Decide about users, roles, groups and policies, or all that a filter lets through, with the evidence as it is now."""
        from .commands.decisions import decide

        how = {name: given.pop(name) for name in ("reason", "expires", "ticket", "campaign", "grant", "key")}
        ctx.exit(decide(_choices(ctx, given), decision, targets, where, **how))

    @review.command("undo")
    @_source_options
    @click.pass_context
    def review_undo(ctx: click.Context, /, **given: Any) -> None:
        """Take back your last decision; what was in force before is in force again."""
        from .commands.decisions import undo

        ctx.exit(undo(_choices(ctx, given)))

    @review.command("owner")
    @click.argument("owner")
    @click.argument("targets", nargs=-1, required=True, metavar="NAME…")
    @_source_options
    @click.pass_context
    def review_owner(ctx: click.Context, /, owner: str, targets: tuple[str, ...], **given: Any) -> None:
        """Say who answers for something ("" takes that back); it goes before tags."""
        from .commands.decisions import set_owner

        ctx.exit(set_owner(_choices(ctx, given), owner, targets))

    @review.command("marks")
    @_format_option
    @_source_options
    @click.pass_context
    def review_marks(ctx: click.Context, /, form: str, **given: Any) -> None:
        """Every decision in force, with what has changed since."""
        from .commands.decisions import marks

        ctx.exit(marks(_choices(ctx, given), form))

    @review.command("carry")
    @_campaign_argument
    @click.option("--confirm", is_flag=True, help="Decide again as before where the evidence is as it was.")
    @_format_option
    @_source_options
    @click.pass_context
    def review_carry(ctx: click.Context, /, name: str, confirm: bool, form: str, **given: Any) -> None:
        """Decisions from before a campaign: which stand on the same evidence, and what changed under the others."""
        from .commands.review import carry

        ctx.exit(carry(_choices(ctx, given), name, form, confirm=confirm))

    @review.command("close")
    @_campaign_argument
    @click.option("--note", default="", help="A sentence for the report.")
    @click.option("-o", "--output", default="", type=click.Path(dir_okay=False), help="Write the report there.")
    @_source_options
    @click.pass_context
    def review_close(ctx: click.Context, /, name: str, note: str, output: str, **given: Any) -> None:
        """End a campaign, and print its signed report: decisions, open items, conflicts."""
        from .commands.review import close

        ctx.exit(close(_choices(ctx, given), name, note, output))

    @review.command("plan")
    @click.option("--campaign", default="", help="Decisions of this campaign alone.")
    @click.option(
        "--form",
        type=click.Choice(["cli", "terraform", "cloudformation", "markdown", "json"]),
        default="cli",
        show_default=True,
        help="The text.",
    )
    @click.option("--only", multiple=True, metavar="WHAT", help="A name, ARN, users, roles, keys, remove, reduce …; several times.")
    @click.option("--account", default="", metavar="ID", help="One of several accounts.")
    @click.option(
        "--recent-hours", default=24, type=click.IntRange(1, 9600), show_default=True, help="What was used within them is left alone."
    )
    @click.option("--include-recent", is_flag=True, help="Also what was used just now.")
    @click.option("--wait", default=14, type=click.IntRange(0, 365), show_default=True, help="Days between deactivating and removing.")
    @click.option("--delete-profiles", is_flag=True, help="Also instance profiles that are left empty.")
    @click.option("-o", "--output", default="", type=click.Path(dir_okay=False), help="Write it there.")
    @_source_options
    @click.pass_context
    def review_plan(ctx: click.Context, /, campaign: str, form: str, only: tuple[str, ...], output: str, **given: Any) -> None:
        """What is decided as text that does it: steps in AWS's order, what speaks against them, a roll-back for each. Runs nothing."""
        from .commands.plan import print_plan

        how = {name: given.pop(name) for name in ("account", "wait")}
        hours = 0 if given.pop("include_recent") else given["recent_hours"]
        del given["recent_hours"]
        profiles = given.pop("delete_profiles")
        ctx.exit(print_plan(_choices(ctx, given), campaign, form, only, output, hours=hours, profiles=profiles, **how))

    @review.command("report")
    @_campaign_argument
    @click.option("--campaign", default="", metavar="NAME", help="The campaign, as the argument.")
    @click.option(
        "--format", "form", type=click.Choice(["markdown", "csv", "json", "html"]), help="Output form (markdown, or what FILE ends in)."
    )
    @click.option("-o", "--output", default="", type=click.Path(dir_okay=False), help="Write it there.")
    @click.option("--as-of", default="", metavar="WHEN", help="As it stood then: 2026-12-31, 2026-12-31T18:00:00Z.")
    @_source_options
    @click.pass_context
    def review_report(ctx: click.Context, /, name: str, campaign: str, form: str | None, output: str, as_of: str, **given: Any) -> None:
        """A campaign's report: decisions with their evidence, open items, practices, trend, what became of earlier removals.

        The same files (--from) and the same ledger rows make the same bytes.
        """
        from .commands.reporting import report

        ctx.exit(report(_choices(ctx, given), campaign or name, form or "", output, as_of))

    @review.command("merge")
    @click.argument("files", nargs=-1, required=True, metavar="FILE…", type=click.Path(dir_okay=False))
    @_source_options
    @click.pass_context
    def review_merge(ctx: click.Context, /, files: tuple[str, ...], **given: Any) -> None:
        """Bring in other ledgers or exports of them; both sides stay, and where reviewers differ it is named."""
        from .commands.decisions import merge

        ctx.exit(merge(_choices(ctx, given), files))

    @review.command("export")
    @click.option("-o", "--output", default="", type=click.Path(dir_okay=False), help="Write it there.")
    @_source_options
    @click.pass_context
    def review_export(ctx: click.Context, /, output: str, **given: Any) -> None:
        """The whole ledger as text, one JSON object a line."""
        from .commands.decisions import export

        ctx.exit(export(_choices(ctx, given), output))

    @review.command("leavers")
    @click.argument("file", metavar="FILE|-")
    @_forms("csv", "markdown")
    @_source_options
    @click.pass_context
    def review_leavers(ctx: click.Context, /, file: str, form: str, **given: Any) -> None:
        """People who left (CSV with a heading, or Identity Center users as JSON), matched to users and to what they own or may assume."""
        from .commands.decisions import leavers

        ctx.exit(leavers(_choices(ctx, given), file, form))


@cli.command("help")
@click.argument("asked", nargs=-1, metavar="[COMMAND|TOPIC]")
@click.pass_context
def help_command(ctx: click.Context, /, asked: tuple[str, ...]) -> None:
    """A command's help, or a topic: filters, exit-codes, json, recipes, ci, browser, environment, files."""
    from .commands.helping import print_help

    ctx.exit(print_help(ctx, asked))


@cli.command()
@click.argument("asked", nargs=-1, metavar="[COMMAND]")
@click.option("-o", "--output", default="", type=click.Path(file_okay=False), help="Write all pages into this folder.")
@click.pass_context
def man(ctx: click.Context, /, asked: tuple[str, ...], output: str) -> None:
    """A command's man page as roff, for `man -l -`, or all of them into a folder."""
    from .commands.helping import print_man

    ctx.exit(print_man(ctx, asked, output))


@cli.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, /, shell: str) -> None:
    """The script that completes commands, options, names, profiles, filters and campaigns in your shell."""
    from .commands.helping import print_completion

    ctx.exit(print_completion(ctx, shell))


def main() -> None:
    """Run, and turn every error into a sentence and an exit code."""
    from .errors import IamtuiError

    try:
        if "_IAMTUI_COMPLETE" in os.environ:
            from .commands.completing import register

            register()
        cli.main(prog_name="iamtui", standalone_mode=True)
    except IamtuiError as error:
        from .commands.output import complain

        sys.exit(complain(error))
    except BrokenPipeError:
        sys.exit(quiet_end())
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        from .commands.output import unforeseen

        sys.exit(unforeseen(error))


if __name__ == "__main__":
    main()
