"""Settings: flag before environment before file before default. Read, never written; what is wrong is told, never fatal."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from . import paths


class Setting(NamedTuple):
    """One setting. `toml` is its key in the file, `env` its variable, `flag` its option ("" where it has none)."""

    name: str
    toml: str
    env: str
    flag: str
    kind: type
    default: Any
    help: str


SETTINGS: tuple[Setting, ...] = (
    Setting("profile", "profile", "IAMTUI_PROFILE", "--profile", str, "", "AWS profile; AWS_PROFILE counts as well"),
    Setting("regions", "regions", "IAMTUI_REGIONS", "--region", list, (), "Regions whose events are read; several"),
    Setting("role_arn", "role-arn", "IAMTUI_ROLE_ARN", "--role-arn", str, "", "role to assume first"),
    Setting("external_id", "external-id", "IAMTUI_EXTERNAL_ID", "--external-id", str, "", "external id for that role"),
    Setting("mfa_serial", "mfa-serial", "IAMTUI_MFA_SERIAL", "--mfa-serial", str, "", "MFA device for that role; the code is asked for"),
    Setting("endpoint_url", "endpoint-url", "IAMTUI_ENDPOINT_URL", "--endpoint-url", str, "", "another endpoint for all services"),
    Setting("offline", "offline", "IAMTUI_OFFLINE", "--offline", bool, False, "no network: show what was read before"),
    Setting("cache_dir", "cache-dir", "IAMTUI_CACHE_DIR", "--cache-dir", str, "", "folder of the cache"),
    Setting("ledger", "ledger", "IAMTUI_LEDGER", "--ledger", str, "", "file of reviewers' decisions; in the data folder unless named"),
    Setting("reviewer", "reviewer", "IAMTUI_REVIEWER", "--reviewer", str, "", "who decides; user@host unless named"),
    Setting(
        "owner_tags",
        "owner-tags",
        "IAMTUI_OWNER_TAGS",
        "--owner-tag",
        list,
        (),
        "tags that name an owner; owner, team, contact unless named",
    ),
    Setting("lookup_days", "lookup-days", "IAMTUI_LOOKUP_DAYS", "--lookup-days", int, 90, "days of events to look up, 90 at most"),
    Setting("trail", "trail", "IAMTUI_TRAIL", "--trail", str, "", "events from a trail's bucket: its name, ARN or s3://bucket/prefix"),
    Setting("trail_days", "trail-days", "IAMTUI_TRAIL_DAYS", "--trail-days", int, 30, "days of a trail's bucket to read"),
    Setting(
        "trail_accounts",
        "trail-accounts",
        "IAMTUI_TRAIL_ACCOUNTS",
        "--trail-account",
        list,
        (),
        "accounts of an organisation's trail; several",
    ),
    Setting("engine", "engine", "IAMTUI_ENGINE", "--engine", str, "local", "what answers SQL: local, athena, lake"),
    Setting("athena_workgroup", "athena-workgroup", "IAMTUI_ATHENA_WORKGROUP", "--athena-workgroup", str, "", "Athena workgroup"),
    Setting("athena_catalog", "athena-catalog", "IAMTUI_ATHENA_CATALOG", "--athena-catalog", str, "", "data catalog (AwsDataCatalog)"),
    Setting("athena_database", "athena-database", "IAMTUI_ATHENA_DATABASE", "--athena-database", str, "", "database of the table"),
    Setting("athena_table", "athena-table", "IAMTUI_ATHENA_TABLE", "--athena-table", str, "", "table of CloudTrail events (found)"),
    Setting("athena_output", "athena-output", "IAMTUI_ATHENA_OUTPUT", "--athena-output", str, "", "s3://… for results (the workgroup's)"),
    Setting("lake_store", "lake-store", "IAMTUI_LAKE_STORE", "--lake-store", str, "", "event data store: name, id or ARN (found)"),
    Setting("theme", "theme", "IAMTUI_THEME", "--theme", str, "iamtui-dark", "palette, ours or one of the themes folder"),
    Setting("charts", "charts", "IAMTUI_CHARTS", "--charts", str, "auto", "signs of the Summary's charts: auto, blocks, plain"),
    Setting("animations", "animations", "IAMTUI_ANIMATIONS", "--animations/--no-animations", bool, False, "smooth scrolling"),
    Setting("mouse", "mouse", "IAMTUI_MOUSE", "--mouse/--no-mouse", bool, True, "mouse support"),
    Setting(
        "clipboard_cap", "clipboard-cap", "IAMTUI_CLIPBOARD_CAP", "--clipboard-cap", int, 74_994, "bytes sent to the clipboard at most"
    ),
)
"""Every setting, told once; `accounts` (labels by account id) stands in the file only."""

CHARTS = ("auto", "blocks", "plain")
ENGINES = ("local", "athena", "lake")
"""What answers SQL."""
_BY_TOML = {setting.toml: setting for setting in SETTINGS}
_TRUE = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


class Settings(msgspec.Struct, frozen=True):
    """What is in force. `came_from` says for each setting where it came from; `problems` are sentences."""

    profile: str = ""
    regions: tuple[str, ...] = ()
    role_arn: str = ""
    external_id: str = ""
    mfa_serial: str = ""
    endpoint_url: str = ""
    offline: bool = False
    cache_dir: str = ""
    ledger: str = ""
    reviewer: str = ""
    owner_tags: tuple[str, ...] = ()
    lookup_days: int = 90
    trail: str = ""
    trail_days: int = 30
    trail_accounts: tuple[str, ...] = ()
    engine: str = "local"
    athena_workgroup: str = ""
    athena_catalog: str = ""
    athena_database: str = ""
    athena_table: str = ""
    athena_output: str = ""
    lake_store: str = ""
    theme: str = "iamtui-dark"
    charts: str = "auto"
    animations: bool = False
    mouse: bool = True
    clipboard_cap: int = 74_994
    account_labels: dict[str, str] = {}
    came_from: dict[str, str] = {}
    problems: tuple[str, ...] = ()

    @property
    def cache_path(self) -> Path:
        return Path(self.cache_dir).expanduser() if self.cache_dir else paths.cache_dir()

    @property
    def ledger_path(self) -> Path:
        return Path(self.ledger).expanduser() if self.ledger else paths.ledger_file()

    @property
    def keymap_path(self) -> Path:
        return paths.keymap_file()

    @property
    def themes_dir(self) -> Path:
        return paths.themes_dir()


def load(flags: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None, file: Path | None = None) -> Settings:
    """The settings in force. `flags` holds what was given on the command line, by setting name; None and () are not given."""
    environ = os.environ if environ is None else environ
    file = paths.config_file() if file is None else file
    problems: list[str] = []
    raw = _read(file, problems)
    values: dict[str, Any] = {}
    came_from: dict[str, str] = {}
    for setting in SETTINGS:
        given = (flags or {}).get(setting.name)
        if given not in (None, (), ""):
            values[setting.name], came_from[setting.name] = given, setting.flag.split("/")[0]
        elif environ.get(setting.env):
            value = _from_text(setting, environ[setting.env], problems)
            if value is not None:
                values[setting.name], came_from[setting.name] = value, setting.env
        elif setting.toml in raw:
            value = _from_toml(setting, raw[setting.toml], file, problems)
            if value is not None:
                values[setting.name], came_from[setting.name] = value, str(file)
    for name in raw:
        if name not in _BY_TOML and name != "accounts":
            problems.append(f"{file}: there is no setting {name} (iamtui info lists them)")
    if values.get("engine", "local") not in ENGINES:
        problems.append(f"{came_from['engine']}: there is no engine {values['engine']}; there are {', '.join(ENGINES)}")
    if values.get("charts", "auto") not in CHARTS:
        problems.append(f"{came_from['charts']}: there are no charts of {values['charts']}; there are {', '.join(CHARTS)}")
    return Settings(**values, account_labels=_labels(raw.get("accounts"), file, problems), came_from=came_from, problems=tuple(problems))


def _read(file: Path, problems: list[str]) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        problems.append(f"{file} was not read: {error}")
        return {}


def _from_text(setting: Setting, text: str, problems: list[str]) -> Any:
    if setting.kind is bool:
        value = _TRUE.get(text.strip().casefold())
        if value is None:
            problems.append(f"{setting.env}: {text!r} is neither yes nor no")
        return value
    if setting.kind is int:
        if text.strip().isdecimal():
            return int(text)
        problems.append(f"{setting.env}: {text!r} is no number")
        return None
    if setting.kind is list:
        return tuple(part for part in text.replace(",", " ").split() if part)
    return text


def _from_toml(setting: Setting, value: Any, file: Path, problems: list[str]) -> Any:
    if setting.kind is list:
        if isinstance(value, str):
            return (value,)
        if isinstance(value, list) and all(isinstance(entry, str) for entry in value):
            return tuple(value)
    elif isinstance(value, setting.kind) and not (setting.kind is int and isinstance(value, bool)):
        return value
    wanted = {str: "text", int: "a number", bool: "true or false", list: "a list of texts"}[setting.kind]
    problems.append(f"{file}: {setting.toml} wants {wanted}")
    return None


def _labels(value: Any, file: Path, problems: list[str]) -> dict[str, str]:
    """`[accounts]` with `123456789012 = "PRODUCTION"`."""
    if value is None:
        return {}
    if isinstance(value, dict) and all(isinstance(label, str) for label in value.values()):
        return {str(account): label for account, label in value.items()}
    problems.append(f'{file}: accounts wants lines such as 123456789012 = "PRODUCTION"')
    return {}
