"""`iamtui info`."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from .. import __version__, config, paths
from .opening import settings_of
from .output import data, print_json, print_table, words


def print_info(options: Mapping[str, Any], *, policy: bool) -> int:
    """Paths, versions, settings; or the IAM policy iamtui needs."""
    if policy:
        from ..source.live.guard import required_policy

        print_json(required_policy())
        return 0
    from ..policy.catalogue import catalogue

    settings = settings_of(options)
    known = catalogue()
    lines = [
        ["iamtui", __version__],
        ["Python", f"{platform.python_version()} ({sys.executable})"],
        *([name, _version(name)] for name in ("textual", "boto3", "botocore", "diskcache", "msgspec")),
        ["action catalogue", f"{known.version} of {known.updated:%Y-%m-%d}" if known.updated else known.version],
        ["settings file", f"{paths.config_file()}{'' if paths.config_file().exists() else ' (not there)'}"],
        ["keymap file", f"{paths.keymap_file()}{'' if paths.keymap_file().exists() else ' (not there)'}"],
        ["themes folder", str(paths.themes_dir())],
        ["cache", str(settings.cache_path)],
        ["ledger", f"{settings.ledger_path}{'' if settings.ledger_path.exists() else ' (not there)'}"],
        ["error log", str(paths.log_file())],
    ]
    print_table(["WHAT", "VALUE"], lines)
    data("\n")
    rows = []
    for setting in config.SETTINGS:
        value = getattr(settings, setting.name)
        shown = " ".join(value) if isinstance(value, tuple) else str(value)
        rows.append([setting.toml, shown, settings.came_from.get(setting.name, "default"), setting.env, setting.flag.split("/")[0]])
    print_table(["SETTING", "VALUE", "FROM", "ENVIRONMENT", "FLAG"], rows)
    for problem in settings.problems:
        words(problem)
    return 1 if settings.problems else 0


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
