"""Where things lie, by the XDG rules. Nothing is made here; who writes makes the folder, private."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

APP = "iamtui"


def config_file() -> Path:
    """The settings file: `IAMTUI_CONFIG`, else config.toml in the config folder."""
    named = os.environ.get("IAMTUI_CONFIG")
    return Path(named).expanduser() if named else config_dir() / "config.toml"


def config_dir() -> Path:
    return Path(platformdirs.user_config_dir(APP, appauthor=False))


def themes_dir() -> Path:
    return config_dir() / "themes"


def keymap_file() -> Path:
    return config_dir() / "keymap.toml"


def cache_dir() -> Path:
    return Path(platformdirs.user_cache_dir(APP, appauthor=False))


def state_dir() -> Path:
    return Path(platformdirs.user_state_dir(APP, appauthor=False))


def ledger_file() -> Path:
    """Decisions of reviewers. Data, not cache: nothing ever clears it."""
    return Path(platformdirs.user_data_dir(APP, appauthor=False)) / "ledger.db"


def log_file() -> Path:
    """Where an error nobody foresaw leaves its traceback."""
    return state_dir() / "error.log"
