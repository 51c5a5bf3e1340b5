"""`diff`, `history` and dated `collect` over the demo at two times, real documents, hostile and damaged bundles."""

from __future__ import annotations

import csv
import io
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from iamtui import errors
from iamtui.cli import cli
from iamtui.commands import collect as collecting
from iamtui.model.document import Kind
from iamtui.store.dated import account_name, prune, write_dated
from tests.hostile import write_evidence
from tests.support.changes import ACCOUNT
from tests.support.demo import NOW
from tests.support.evidence import data
from tests.support.points import a_month_ago, demo_bundle

MONTH = NOW - timedelta(days=31)


@pytest.fixture(autouse=True)
def own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith(("AWS_", "IAMTUI_")):
            monkeypatch.delenv(name)
    for kind in ("CACHE", "CONFIG", "STATE", "DATA"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind.lower()))


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("points")
    return {
        "old": str(demo_bundle(folder / "old.zip", a_month_ago, at=MONTH)),
        "new": str(demo_bundle(folder / "new.zip", events=True)),
        "plain": str(demo_bundle(folder / "plain.zip")),
        "blind": str(demo_bundle(folder / "blind.zip", without=[Kind.CREDENTIAL_REPORT])),
    }


def run(*words: str) -> Result:
    """As `main` would, without leaving the process."""
    result = CliRunner().invoke(cli, words)
    if isinstance(result.exception, errors.IamtuiError):
        result.exit_code = int(result.exception.exit_code)
    elif result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_the_demo_at_two_times(bundles: dict[str, str]) -> None:
    result = run("diff", bundles["old"], bundles["new"], "--format", "json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert found["grows"] is True
    assert found["notes"] == []
    told = {(one["what"], one["turn"], one["name"]): one for one in found["differences"]}
    admin = told["admin", "added", "t.dubois"]
    assert admin["severity"] == "critical"
    assert admin["who"] == "k.meyer@acme.example (person)"
    assert admin["doers"][0]["event"] == "AttachUserPolicy"
    assert admin["doers"][0]["actor"] == "iam-admin"
    assert told["identity", "added", "svc-monitoring"]["who"] == "ci-runner (IAM user)"
    assert {doer["event"] for doer in told["admin", "added", "svc-monitoring"]["doers"]} >= {"CreateUser", "AttachUserPolicy"}
    # A policy both have had for long, which gets a way: nothing of it is claimed.
    assert {one["name"] for one in found["differences"]} == {"t.dubois", "svc-monitoring"}


def test_every_form_and_the_explorers_filter(bundles: dict[str, str]) -> None:
    table = run("diff", bundles["old"], bundles["plain"])
    assert table.exit_code == 1
    assert table.stdout.splitlines()[1].startswith("critical  user")
    assert "differences (2 critical, 1 high, 1 medium), access grew; 2026-02-08 09:30 to 2026-03-11 09:30" in table.stderr
    rows = list(csv.DictReader(io.StringIO(run("diff", bundles["old"], bundles["plain"], "--format", "csv").stdout)))
    assert [row["severity"] for row in rows] == ["critical", "critical", "high", "medium"]
    assert rows[0]["grows"] == "true"
    narrowed = run("diff", bundles["old"], bundles["plain"], "name:dubois", "what:grant", "--format", "json")
    assert [one["about"] for one in json.loads(narrowed.stdout)["differences"]] == ["arn:aws:iam::aws:policy/AdministratorAccess"]
    assert narrowed.exit_code == 1  # what is shown is narrowed, not what grew
    told = run("diff", bundles["old"], bundles["plain"], "--format", "markdown").stdout
    assert "## Access that grew" in told
    assert "| critical | user | t.dubois |" in told
    assert run("diff", bundles["old"], bundles["plain"], "colour:red").exit_code == 2
    by_name = json.loads(run("diff", bundles["old"], bundles["plain"], "--sort", "-name", "--format", "json").stdout)["differences"]
    assert [one["name"] for one in by_name] == sorted((one["name"] for one in by_name), reverse=True)


def test_back_access_only_shrinks(bundles: dict[str, str]) -> None:
    result = run("diff", bundles["plain"], bundles["old"])
    assert result.exit_code == 0
    assert "no administrator any more" in result.stdout
    assert "is younger than" in result.stderr


def test_equal_points(bundles: dict[str, str]) -> None:
    result = run("diff", bundles["plain"], bundles["plain"])
    assert result.exit_code == 0
    assert "no difference" in result.stderr
    assert result.stdout.count("\n") == 1


def test_now_is_what_the_source_options_open(bundles: dict[str, str]) -> None:
    result = run("diff", bundles["plain"], "now", "--from", bundles["plain"])
    assert result.exit_code == 0
    assert run("diff", "now", bundles["plain"], "--demo").exit_code == 2
    assert run("diff", bundles["plain"], "now", "--new", bundles["plain"], "--demo").exit_code == 2


def test_a_trail_beside_the_newer_one_tells_who(bundles: dict[str, str], tmp_path: Path) -> None:
    bare = run("diff", bundles["old"], bundles["plain"], "what:admin", "--format", "json")
    one = next(one for one in json.loads(bare.stdout)["differences"] if one["name"] == "t.dubois")
    assert one["who"] == ""
    assert one["who_not_told"] == "no events are in the newer one"
    from tests.support.demo import records

    events = [record for record in records() if record["eventName"] in ("AttachUserPolicy", "AssumeRole", "AssumeRoleWithSAML")]
    (tmp_path / "trail.json").write_text(json.dumps({"Records": events}))
    told = run("diff", bundles["old"], bundles["plain"], "what:admin", "--new", str(tmp_path / "trail.json"), "--format", "json")
    one = next(one for one in json.loads(told.stdout)["differences"] if one["name"] == "t.dubois")
    assert one["doers"][0]["event"] == "AttachUserPolicy"


def test_one_side_denied_is_partial_and_no_difference(bundles: dict[str, str]) -> None:
    result = run("diff", bundles["blind"], bundles["plain"])
    assert result.exit_code == 4
    assert "credential report: not read in the old one" in result.stderr
    assert "no difference" in result.stderr


def test_damaged_and_foreign_files_are_sentences(bundles: dict[str, str], tmp_path: Path) -> None:
    cut = tmp_path / "cut.zip"
    cut.write_bytes(Path(bundles["new"]).read_bytes()[:50_000])
    other = tmp_path / "note.txt"
    other.write_text("hello")
    for path in (cut, other, tmp_path / "nowhere.zip"):
        result = run("diff", str(path), bundles["new"])
        assert result.exit_code == 2
        assert isinstance(result.exception, errors.BadInputError)
    # One answer of a bundle is damaged: the rest is compared, and the hole is named.
    import zipfile

    hurt = tmp_path / "hurt.zip"
    with zipfile.ZipFile(bundles["plain"]) as held, zipfile.ZipFile(hurt, "w") as written:
        for entry in held.infolist():
            body = held.read(entry)
            written.writestr(entry, body[:-100] if entry.filename.endswith(".csv") else body)
    result = run("diff", str(hurt), bundles["plain"])
    assert result.exit_code == 4
    assert "its hash is not the one in the manifest" in result.stderr
    assert "credential report: failed" in result.stderr


def test_other_accounts_have_nothing_in_common(bundles: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "evil").mkdir()
    write_evidence(tmp_path / "evil")
    result = run("diff", bundles["plain"], str(tmp_path / "evil"))
    assert result.exit_code == 2
    assert "nothing to compare" in str(result.exception)


def test_a_hostile_account_prints_nothing_a_terminal_or_spreadsheet_obeys(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    for folder in (old, new):
        folder.mkdir()
        write_evidence(folder)
    for path in old.rglob("*.json"):
        try:
            answer = json.loads(path.read_bytes())
        except ValueError:
            continue
        if isinstance(answer, dict) and "UserDetailList" in answer:
            for part in ("UserDetailList", "RoleDetailList", "GroupDetailList"):
                answer[part] = answer[part][::2]
            for role in answer["RoleDetailList"]:
                role["AssumeRolePolicyDocument"] = {"Version": "2012-10-17", "Statement": []}
            for user in answer["UserDetailList"]:
                user["Tags"], user["AttachedManagedPolicies"], user["UserPolicyList"] = [], [], []
            path.write_text(json.dumps(answer))
    for form in ("table", "csv", "json", "markdown"):
        result = run("diff", str(old), str(new), "--format", form)
        assert result.exit_code in (1, 4)
        for text in (result.stdout, result.stderr):
            assert (
                not any((ord(c) < 32 and c != "\n") or 0x7F <= ord(c) < 0xA0 or c in "\u202e\u2066\u200b\u2028" for c in text)
                or form == "csv"
            )
        if form == "csv":
            cells = [cell for row in csv.reader(io.StringIO(result.stdout)) for cell in row]
            assert len(cells) > 100
            assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)
        elif form == "json":
            assert json.loads(result.stdout)["differences"]
        elif form == "markdown":
            assert "<script>" not in result.stdout


def test_real_documents(tmp_path: Path) -> None:
    one, other = data("iam/gaad/example_authz_details_for_overrides.json"), data("iam/gaad/example-authz-details.json")
    found = json.loads(run("diff", str(one), str(other), "--format", "json").stdout)
    told = {(row["what"], row["turn"], row["name"]) for row in found["differences"]}
    assert {
        ("admin", "added", "obama"),
        ("escalation", "added", "OverprivilegedEC2"),
        ("identity", "removed", "PolicyForTestingOverrides"),
    } <= told
    for path in sorted(one.parent.glob("*.json")):
        alike = run("diff", str(path), str(path), "--format", "json")
        assert json.loads(alike.stdout)["differences"] == []
    truncated = run("diff", str(data("iam/gaad/truncated-page.json")), str(data("iam/gaad/truncated-page.json")))
    assert truncated.exit_code == 4
    assert "read in part" in truncated.stderr


# -- one identity over many ------------------------------------------------------------------------------------------


def test_a_history_over_bundles_in_any_order(bundles: dict[str, str], tmp_path: Path) -> None:
    def between(answer: dict[str, Any]) -> None:
        a_month_ago(answer)
        for user in answer["UserDetailList"]:
            if user["UserName"] == "t.dubois":
                user["Tags"] = [{"Key": "owner", "Value": "ana"}]

    middle = demo_bundle(tmp_path / "middle.zip", between, at=NOW - timedelta(days=25))
    result = run("history", "t.dubois", bundles["new"], str(middle), bundles["old"], "--format", "json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert [one["as_of"][:10] for one in found["points"]] == ["2026-02-08", "2026-02-14", "2026-03-11"]
    assert all(one["there"] for one in found["points"])
    steps = [(step["older_point"], step["newer_point"], step["what"], step["turn"]) for step in found["steps"]]
    assert (bundles["old"], str(middle), "owner", "changed") in steps or (bundles["old"], str(middle), "owner", "added") in steps
    assert (str(middle), bundles["new"], "admin", "added") in steps
    admin = next(step for step in found["steps"] if step["what"] == "admin")
    assert admin["who"] == "k.meyer@acme.example (person)"
    table = run("history", "t.dubois", bundles["new"], str(middle), bundles["old"])
    assert "is an administrator now" in table.stdout
    assert "there in 3 of 3 points" in table.stderr


def test_a_history_of_one_that_appears(bundles: dict[str, str], tmp_path: Path) -> None:
    cut = tmp_path / "cut.zip"
    cut.write_bytes(Path(bundles["new"]).read_bytes()[:50_000])
    result = run("history", "svc-monitoring", bundles["old"], bundles["new"], str(cut), "--format", "json")
    assert result.exit_code == 4
    found = json.loads(result.stdout)
    assert [one["there"] for one in found["points"]] == [False, True]
    assert found["steps"][0]["what"] == "admin"
    assert any("cut.zip" in note for note in found["notes"])
    assert run("history", "nobody-at-all", bundles["old"]).exit_code == 2
    assert run("history", "ana", str(cut)).exit_code == 2
    for form in ("csv", "markdown"):
        assert "svc-monitoring" in run("history", "svc-monitoring", bundles["old"], bundles["new"], "--format", form).stdout


def test_a_list_that_was_not_read_in_between_hides_nothing(bundles: dict[str, str], tmp_path: Path) -> None:
    """What changed is told between the two bundles that had read it."""
    blind = demo_bundle(tmp_path / "blind.zip", at=NOW - timedelta(days=10), without=[Kind.AUTHORIZATION])
    found = json.loads(run("history", "t.dubois", bundles["old"], str(blind), bundles["new"], "--format", "json").stdout)
    admin = next(step for step in found["steps"] if step["what"] == "admin")
    assert (admin["older_point"], admin["newer_point"]) == (bundles["old"], bundles["new"])
    assert found["points"][1]["there"] is None
    assert any("blind.zip: users: not read" in note for note in found["notes"])


def test_a_renamed_user_has_one_history(tmp_path: Path) -> None:
    def renamed(answer: dict[str, Any]) -> None:
        for user in answer["UserDetailList"]:
            if user["UserName"] == "t.dubois":
                user["UserName"], user["Arn"] = "t.old", user["Arn"].replace("t.dubois", "t.old")

    def tagged(answer: dict[str, Any]) -> None:
        renamed(answer)
        for user in answer["UserDetailList"]:
            if user["UserName"] == "t.old":
                user["Tags"] = [{"Key": "env", "Value": "x"}]

    paths = [
        demo_bundle(tmp_path / "a.zip", renamed, at=MONTH),
        demo_bundle(tmp_path / "b.zip", tagged, at=NOW - timedelta(days=20)),
        demo_bundle(tmp_path / "c.zip", at=NOW),
    ]
    found = json.loads(run("history", "t.dubois", *map(str, paths), "--format", "json").stdout)
    steps = [(step["newer_point"].rpartition("/")[2], step["what"]) for step in found["steps"]]
    assert ("b.zip", "tags") in steps  # under its other name
    assert ("c.zip", "name") in steps
    assert len(found["arns"]) == 2
    assert [one["there"] for one in found["points"]] == [True, True, True]


def test_a_folder_of_bundles_is_many_points(tmp_path: Path) -> None:
    for number in range(3):
        demo_bundle(tmp_path / f"{ACCOUNT}-{number}.zip", a_month_ago if number == 0 else None, at=NOW - timedelta(days=3 - number))
    found = json.loads(run("history", "t.dubois", str(tmp_path), "--format", "json").stdout)
    assert len(found["points"]) == 3
    result = run("diff", str(tmp_path), str(tmp_path))
    assert result.exit_code == 2
    assert "each a point in time of its own" in str(result.exception)


# -- dated bundles ---------------------------------------------------------------------------------------------------


def test_collect_into_a_folder(bundles: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "points"
    first = run("collect", "--from", bundles["plain"], "-o", f"{folder}/")
    assert first.exit_code == 0
    (made,) = folder.iterdir()
    assert made.name.startswith(f"{ACCOUNT}-20")
    assert made.name.endswith("Z.zip")
    assert made.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert run("collect", "--from", bundles["plain"], "-o", str(folder)).exit_code == 0  # it is there now, so no slash is needed
    assert len(list(folder.iterdir())) == 2
    assert "no difference" in run("diff", str(made), bundles["plain"]).stderr


def test_collect_again_and_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed one is named, and the next goes on."""
    slept: list[float] = []
    clock = [datetime(2026, 11, 27, 3, 0, tzinfo=UTC)]

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock[0] += timedelta(seconds=seconds)

    monkeypatch.setattr(collecting.time, "sleep", sleep)
    monkeypatch.setattr(collecting, "utc_now", lambda: clock[0])
    outcomes: list[Any] = [0, errors.AwsError("Could not connect", "see the network"), errors.BadInputError("no room"), 4]

    def dated(options: Any, folder: Path, keep: int) -> int:
        found = outcomes.pop(0)
        if isinstance(found, Exception):
            raise found
        return int(found)

    monkeypatch.setattr(collecting, "_dated", dated)
    result = run("collect", "--demo", "-o", str(tmp_path / "points"), "--every", "6h", "--times", "4")
    assert result.exit_code == 4
    assert outcomes == []
    assert sum(slept) == pytest.approx(3 * 6 * 3600)
    assert "2026-11-27T09:00:00Z the collection failed: Could not connect; see the network" in result.stderr
    assert "2026-11-27T15:00:00Z the collection failed: no room" in result.stderr
    assert "the next one is due at 2026-11-27T21:00:00Z" in result.stderr


def test_a_beat_that_was_slept_through_is_not_made_up_for() -> None:
    due, span = datetime(2026, 1, 1, tzinfo=UTC), timedelta(hours=6)
    assert collecting._next(due, span, due + timedelta(minutes=5)) == due + span
    assert collecting._next(due, span, due + timedelta(hours=20)) == due + 4 * span
    assert collecting._next(due, span, due - timedelta(hours=1)) == due + span


def test_an_account_that_cannot_be_read_makes_no_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    result = run("collect", "-o", f"{tmp_path}/points/")
    assert result.exit_code == 3
    assert "nothing was written" in result.stderr
    assert not (tmp_path / "points").exists()


@pytest.mark.parametrize(
    "words",
    [("--every", "1m"), ("--every", "x"), ("--every", "1min"), ("--every", "0h"), ("--keep", "0")],
)
def test_wrong_lengths_of_time_are_exit_2(words: tuple[str, ...], tmp_path: Path) -> None:
    assert run("collect", "--demo", "-o", f"{tmp_path}/", *words).exit_code == 2


def test_keep_and_every_are_for_folders(tmp_path: Path) -> None:
    assert run("collect", "--demo", "-o", str(tmp_path / "one.zip"), "--keep", "3").exit_code == 2
    (tmp_path / "one.zip").write_bytes(b"x")
    assert run("collect", "--demo", "-o", str(tmp_path / "one.zip"), "--every", "24h").exit_code == 2
    assert (tmp_path / "one.zip").read_bytes() == b"x"


def test_nothing_is_written_over_and_only_own_names_are_pruned(tmp_path: Path) -> None:
    def write(text: str) -> Any:
        return lambda path: path.write_text(text)

    at = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)
    made = [write_dated(tmp_path, ACCOUNT, at, write(f"x{number}"))[0] for number in range(3)]
    names = [path.name for path in made if path is not None]
    assert names == [f"{ACCOUNT}-2026-11-27T0300Z.zip", f"{ACCOUNT}-2026-11-27T0300Z-2.zip", f"{ACCOUNT}-2026-11-27T0300Z-3.zip"]
    assert [(tmp_path / name).read_text() for name in names] == ["x0", "x1", "x2"]
    assert write_dated(tmp_path, ACCOUNT, at, write(""))[0] is None
    spared = ["notes.zip", "999999999999-2020-01-01T0000Z.zip", f"{ACCOUNT}-2020-01-01T0000Z.zip.old", f"x{ACCOUNT}-2020-01-01T0000Z.zip"]
    for name in spared:
        (tmp_path / name).write_text("mine")
    (tmp_path / f"{ACCOUNT}-2019-01-01T0000Z.zip").mkdir()
    (tmp_path / f"{ACCOUNT}-2018-01-01T0000Z.zip").symlink_to(tmp_path / "notes.zip")
    write_dated(tmp_path, ACCOUNT, at + timedelta(days=1), write("newest"))
    gone = prune(tmp_path, ACCOUNT, 2)
    assert [path.name for path in gone] == names[:2]
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {
        *spared,
        names[2],
        f"{ACCOUNT}-2026-11-28T0300Z.zip",
        f"{ACCOUNT}-2019-01-01T0000Z.zip",
        f"{ACCOUNT}-2018-01-01T0000Z.zip",
    }


def test_a_collection_that_is_killed_leaves_no_bundle(tmp_path: Path) -> None:
    def killed(path: Path) -> int:
        path.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_dated(tmp_path, ACCOUNT, datetime(2026, 11, 27, tzinfo=UTC), killed)
    assert list(tmp_path.iterdir()) == []


def test_the_text_of_an_account_is_never_part_of_a_path() -> None:
    assert account_name([ACCOUNT]) == ACCOUNT
    assert account_name([]) == account_name(["../../x"]) == account_name(["unknown"]) == "unknown"
    assert account_name([ACCOUNT, "999999999999"]) == "several"
