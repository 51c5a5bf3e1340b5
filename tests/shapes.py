"""`python -m tests.shapes` records the shape of every JSON answer, from the demo account, for `iamtui help json` and its test.

What was promised stays: a key that is gone, or has another type, is refused. `--break` records it all the same, for a new major version.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import pytest

from iamtui.commands.manual.shapes import recorded, shape_of
from tests.support.running import desk, one_demo, own_folders, run

FILE = Path(__file__).parents[1] / "iamtui/commands/manual/shapes.json"

ANSWERS: dict[str, str] = {
    "list users": "list users --demo",
    "list roles": "list roles --demo",
    "list groups": "list groups --demo",
    "list policies": "list policies --demo",
    "list findings": "list findings --demo",
    "events": "events --demo --limit 400",
    "identity (a user)": "identity deploy-bot --demo",
    "identity (a role)": "identity ci-deploy --demo",
    "identity (a policy)": "identity policy/deploy-base --demo",
    "can": "can deploy-bot s3:PutObject --demo",
    "who-can": "who-can iam:PassRole --demo",
    "access NAME": "access deploy-bot --demo",
    "access NAME OTHER": "access a.fischer b.jones --demo",
    "story": "story t.dubois --demo",
    "triage": "triage deploy-bot --demo",
    "sql --list": "sql --list",
    "escalations": "escalations --demo",
    "exposure": "exposure --demo",
    "analyzer": "analyzer --demo",
    "practices": "practices --demo",
    "changes": "changes --since 30d --demo",
    "changes NAME": "changes t.dubois --demo",
    "alarms": "alarms DeleteUser ConsoleLogin --demo",
    "logging": "logging --demo",
    "guards": "guards --demo",
    "summary": "summary --demo",
    "accounts": "accounts --demo",
    "unused": "unused deploy-bot --demo",
    "sweep last-used": "sweep last-used users --demo",
    "matrix": "matrix --kind groups --demo",
    "matrix SERVICE": "matrix glue --demo",
    "preflight": "preflight old.json new.json",
    "diff": "diff yesterday.zip changed.zip",
    "history": "history a.fischer yesterday.zip changed.zip",
    "evaluate": "evaluate requests.jsonl",
    "info --policy": "info --policy",
    "cache info": "cache info",
    "review list": "review list --ledger team.db --demo",
    "review show": "review show --ledger team.db --demo",
    "review queue": "review queue --ledger team.db --limit 20 --demo",
    "review marks": "review marks --ledger team.db --demo",
    "review report": "review report --ledger team.db --demo",
    "review plan": "review plan --form json --ledger team.db --demo",
    "review carry": "review carry --ledger team.db --demo",
    "review leavers": "review leavers left.csv --demo",
}
"""The answers whose shape is promised, by what they are called, with the line that makes one."""

MAPS: dict[str, frozenset[str]] = {
    "matrix": frozenset({"[].services"}),
    "changes": frozenset({".counts.kinds", ".counts.authors"}),
    "analyzer": frozenset({".regions", ".claims[].finding.condition"}),
    "unused": frozenset({".counts"}),
}
"""Paths whose keys are data, by answer."""

_ITSELF = ("evaluate", "info --policy", "review plan")


def shape(name: str) -> dict[str, str]:
    """The shape of an answer now. Paths whose keys are services, names or numbers are maps."""
    line = ANSWERS[name].split(" ")
    done = run(*line, *(() if name in _ITSELF else ("--format", "json")))
    assert done.exit_code in (0, 1, 4), done.stderr
    return shape_of(json.loads(done.stdout), MAPS.get(name, frozenset()))


def broken(old: dict[str, str], new: dict[str, str]) -> list[str]:
    """What of a promise is not kept: keys that are gone, types that were not told."""
    return [
        f"{path}: {kinds}, now {new.get(path, 'gone')}"
        for path, kinds in old.items()
        if path not in new or not set(new[path].split("|")) <= set(kinds.split("|"))
    ]


def main() -> None:
    before = recorded()
    found: dict[str, dict[str, str]] = {}
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        own_folders(patch, Path(folder))
        one_demo(patch, anew=True)
        patch.chdir(folder)
        desk(Path(folder))
        for name in ANSWERS:
            found[name] = shape(name)
            gone = broken(before.get(name, {}), found[name])
            if gone and "--break" not in sys.argv:
                sys.exit(f"iamtui {name} would break its promise:\n  " + "\n  ".join(gone))
    FILE.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    print(f"{len(found)} shapes in {FILE}")  # noqa: T201


if __name__ == "__main__":
    main()
