"""The ledger only grows, survives kills, is refused when it is newer, migrated when it is older, and merged from anywhere."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iamtui.errors import BadInputError, NotFoundError
from iamtui.model.review import Clue, Decision, Entry, Mark, Subject, SubjectKind
from iamtui.store import ledger as module
from iamtui.store.ledger import Ledger, LedgerError, export_lines, new_id, read_other
from tests.hostile import NASTY

NOW = datetime(2026, 10, 1, 14, 2, tzinfo=UTC)


def entry(name: str = "ana", decision: Decision = Decision.KEEP, reason: str = "") -> Entry:
    subject = Subject(SubjectKind.IDENTITY, f"arn:{name}#AIDA", f"arn:{name}", "AIDA", name, "123456789012", "user")
    return Entry(new_id(NOW), NOW, "123456789012", "", Mark(subject, decision, "me", reason, batch="b"), (Clue("mfa", "no", "x", NOW),))


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_making_one_makes_nothing(tmp_path: Path) -> None:
    made = Ledger(tmp_path / "sub/ledger.db")
    assert not made.exists
    assert files(tmp_path) == []


def test_it_is_private_also_under_a_lax_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        made = Ledger(tmp_path / "sub/ledger.db")
        made.add([entry()])
        assert (tmp_path / "sub").stat().st_mode & 0o777 == 0o700
        for path in (tmp_path / "sub").iterdir():
            assert path.stat().st_mode & 0o777 == 0o600, path
    finally:
        os.umask(before)


def test_the_folder_of_a_team_is_left_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o770)
    Ledger(tmp_path / "ledger.db").add([entry()])
    assert tmp_path.stat().st_mode & 0o777 == 0o770


def test_full_synchronous_write_ahead(tmp_path: Path) -> None:
    made = Ledger(tmp_path / "l.db")
    made.add([entry()])
    assert made._connection is not None
    assert made._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert made._connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_rows_come_back_with_their_evidence(tmp_path: Path) -> None:
    rows = [entry("ana", reason="because"), entry("ben", Decision.REMOVE)]
    Ledger(tmp_path / "l.db").add(rows)
    again = Ledger(tmp_path / "l.db")
    found, last = again.since()
    assert [(e.id, e.at, e.body) for e in found] == [(e.id, e.at, e.body) for e in rows]
    assert again.since(last) == ([], last)
    assert again.evidence([rows[1].id]) == {rows[1].id: rows[1].evidence}
    assert list(again.entries()) == sorted(rows, key=lambda e: e.id)


@pytest.mark.parametrize("statement", ["UPDATE entries SET body = '{}'", "DELETE FROM entries"])
def test_nothing_is_overwritten_not_even_by_hand(tmp_path: Path, statement: str) -> None:
    Ledger(tmp_path / "l.db").add([entry()])
    with sqlite3.connect(tmp_path / "l.db") as connection, pytest.raises(sqlite3.IntegrityError, match="only grows"):
        connection.execute(statement)
    connection.close()


def test_all_rows_or_none(tmp_path: Path) -> None:
    made, row = Ledger(tmp_path / "l.db"), entry()
    with pytest.raises(LedgerError):
        made.add([entry(), row, row])
    assert made.since() == ([], 0)


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
def test_text_of_strangers_comes_back_as_it_was(tmp_path: Path, text: str) -> None:
    made = Ledger(tmp_path / "l.db")
    made.add([entry(text, reason=text)])
    (found,), _ = made.since()
    assert isinstance(found.body, Mark)
    expected = text.encode("utf-8", "replace").decode()
    assert (found.body.reason, found.body.subject.name) == (expected, expected)
    lines = list(export_lines(made.entries()))
    assert all(line.rstrip("\n").isprintable() for line in lines)
    (tmp_path / "x.jsonl").write_text("".join(lines))
    ((merged,), refused) = read_other(tmp_path / "x.jsonl")
    assert (merged.body, refused) == (found.body, [])


@given(st.integers(0, 2**41))
def test_ids_sort_by_time(seconds: int) -> None:
    moment = datetime.fromtimestamp(seconds / 1000, UTC)
    later = datetime.fromtimestamp(seconds / 1000 + 1, UTC)
    assert len(new_id(moment)) == 26
    assert new_id(moment) < new_id(later)
    assert new_id(moment) != new_id(moment)


# -- what is no ledger of ours ----------------------------------------------------------------------------------------


def test_a_newer_one_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "l.db"
    made = Ledger(path)
    made.add([entry()])
    made.close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(LedgerError, match=r"newer iamtui \(format 99; this one knows 1\)") as error:
        Ledger(path).add([entry()])
    assert "--ledger" in error.value.hint
    assert path.read_bytes() == before


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "places.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(LedgerError, match="no ledger of iamtui"):
        Ledger(path).since()
    assert path.read_bytes() == before


def test_a_damaged_one_is_a_sentence_with_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "l.db"
    made = Ledger(path)
    made.add([entry(str(n)) for n in range(200)])
    made.close()
    body = bytearray(path.read_bytes())
    body[4096 : len(body)] = bytes(random.Random(1).randbytes(len(body) - 4096))
    path.write_bytes(body)
    with pytest.raises(LedgerError, match="damaged") as error:
        Ledger(path).since()
    assert "iamtui review merge" in error.value.hint
    assert path.read_bytes() == bytes(body)


@pytest.mark.parametrize("text", [b"not a database at all, but text\n" * 40, b"\0" * 5000])
def test_something_else_is_a_sentence(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "l.db"
    path.write_bytes(text)
    with pytest.raises(LedgerError):
        Ledger(path).since()
    assert path.read_bytes() == text


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError, match="cannot be opened"):
        Ledger(tmp_path / "file/ledger.db").add([entry()])


def test_a_row_nobody_understands_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    made = Ledger(tmp_path / "l.db")
    made.add([entry("ana")])
    with sqlite3.connect(tmp_path / "l.db") as connection:
        for body in ('{"type": "spell"}', "not json", "[" * 5000, '{"type":"mark","decision":"explode"}'):
            connection.execute("INSERT INTO entries (id, at, account, kind, campaign, body, evidence) VALUES (?,?,?,?,?,?,?)",
                               (new_id(NOW), NOW.isoformat(), "1", "mark", "", body, ""))  # fmt: skip
    connection.close()
    found, _ = made.since()
    assert len(found) == 1
    assert len(made.refused) == 4
    assert all("not understood" in words for words in made.refused)


# -- older ones ---------------------------------------------------------------------------------------------------------


def test_an_older_one_is_migrated_with_a_copy_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, row = tmp_path / "l.db", entry()
    made = Ledger(path)
    made.add([row])
    made.close()
    monkeypatch.setattr(module, "FORMAT", 3)
    monkeypatch.setattr(module, "MIGRATIONS", {1: ["ALTER TABLE entries ADD COLUMN extra TEXT"], 2: ["CREATE TABLE more (x)"]})
    found, _ = Ledger(path).since()
    assert [e.id for e in found] == [row.id]
    copy = tmp_path / "l.db.format-1.bak"
    assert copy.stat().st_mode & 0o077 == 0
    for name, held in ((path, 3), (copy, 1)):
        with sqlite3.connect(name) as connection:
            assert connection.execute("PRAGMA user_version").fetchone() == (held,)
            assert connection.execute("SELECT id FROM entries").fetchone() == (row.id,)
        connection.close()


@pytest.mark.parametrize("steps", [{}, {1: ["CREATE TABLE more (x)", "nonsense"]}])
def test_a_migration_that_fails_leaves_it_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: dict[int, list[str]]) -> None:
    path = tmp_path / "l.db"
    made = Ledger(path)
    made.add([entry()])
    made.close()
    monkeypatch.setattr(module, "FORMAT", 2)
    monkeypatch.setattr(module, "MIGRATIONS", steps)
    with pytest.raises(LedgerError, match="it is as it was") as error:
        Ledger(path).since()
    assert "format-1.bak" in error.value.hint
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'more'").fetchone() == (0,)
    connection.close()


# -- merging ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["file", "text"])
def test_two_ledgers_become_one_whichever_way(tmp_path: Path, form: str) -> None:
    mine, theirs = Ledger(tmp_path / "a.db"), Ledger(tmp_path / "b.db")
    both = entry("both")
    mine.add([both, entry("ana")])
    theirs.add([both, entry("ben")])
    other = tmp_path / "b.db"
    if form == "text":
        other = tmp_path / "b.jsonl"
        other.write_text("".join(export_lines(theirs.entries())))
    found, refused = read_other(other)
    assert refused == []
    assert mine.merge(found) == (1, 1, ())
    assert mine.merge(found) == (0, 2, ())
    assert theirs.merge(list(mine.entries())) == (1, 2, ())
    assert list(mine.entries()) == list(theirs.entries())


def test_a_forged_row_under_a_known_id_does_not_replace_ours(tmp_path: Path) -> None:
    mine, row = Ledger(tmp_path / "a.db"), entry("ana", Decision.REMOVE)
    mine.add([row])
    forged = Entry(row.id, row.at, row.account, "", entry("ana", Decision.KEEP).body)
    assert mine.merge([forged]) == (0, 0, (row.id,))
    (held,) = mine.entries()
    assert held.body == row.body


def test_a_ledger_in_use_by_another_can_be_merged(tmp_path: Path) -> None:
    theirs = Ledger(tmp_path / "b.db")
    theirs.add([entry("ben")])  # still open, still in its write-ahead log
    found, _ = read_other(tmp_path / "b.db")
    assert len(found) == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"hello\n", "neither a ledger"),
        (b'{"iamtui": "bundle"}\n', "neither a ledger"),
        (b'{"iamtui": "ledger", "format": 7}\n', "newer"),
        (b"[" * 100_000, "neither a ledger"),
        (b"\xff\xfe\x00", "neither a ledger"),
    ],
)
def test_what_is_no_ledger_is_not_merged(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(BadInputError, match=words):
        read_other(tmp_path / "x")
    with pytest.raises(NotFoundError):
        read_other(tmp_path / "nowhere")


def test_lines_that_are_broken_are_named_and_the_rest_is_taken(tmp_path: Path) -> None:
    lines = list(export_lines([entry("ana"), entry("ben")]))
    lines[1:1] = ["{broken\n", json.dumps({"id": "x", "at": "2026-01-01"}) + "\n", "\n"]
    (tmp_path / "x").write_text("".join(lines))
    found, refused = read_other(tmp_path / "x")
    assert len(found) == 2
    assert len(refused) == 2


def test_the_code_in_a_strangers_file_never_runs(tmp_path: Path) -> None:
    """A view in the place of the table, and a trigger: neither is asked."""
    path = tmp_path / "evil.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (x)")
        connection.execute(
            "CREATE VIEW entries AS SELECT load_extension('/tmp/evil') AS id, '' at, '' account, '' kind, '' campaign, '' body, '' evidence"
        )
        connection.execute(f"PRAGMA application_id = {module.APPLICATION}")
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(BadInputError, match="no ledger"):
        read_other(path)
    assert path.read_bytes() == before


# -- several at once, and kills -----------------------------------------------------------------------------------------


def test_two_instances_at_once_lose_nothing(tmp_path: Path) -> None:
    both = [Ledger(tmp_path / "l.db") for _ in range(2)]
    failed: list[Exception] = []

    def write(made: Ledger, who: str) -> None:
        try:
            for number in range(25):
                made.add([entry(f"{who}-{number}")])
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(made, str(n))) for n, made in enumerate(both)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(Ledger(tmp_path / "l.db").since()[0]) == 50
    assert [len(made.since()[0]) for made in both] == [50, 50]


_RUN = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from iamtui.model.review import Decision, Entry, Mark, Subject, SubjectKind
from iamtui.store.ledger import Ledger, new_id
made, now = Ledger(Path(sys.argv[1])), datetime.now(UTC)
print("go", flush=True)
while True:
    subject = Subject(SubjectKind.IDENTITY, "k", "a", "AIDA", "n", "1", "user")
    rows = [Entry(new_id(now), now, "1", "", Mark(subject, Decision.KEEP, "me")) for _ in range(3)]
    made.add(rows)
    print(" ".join(row.id for row in rows), flush=True)
"""


def _killed(tmp_path: Path, times: int, seed: int) -> None:
    """Kill a reviewer at any moment; every decision that was confirmed is there, and never a part of one."""
    path, chance = tmp_path / "l.db", random.Random(seed)
    confirmed: set[str] = set()
    for _ in range(times):
        process = subprocess.Popen([sys.executable, "-c", _RUN, str(path)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "go\n"
        time.sleep(chance.random() * 0.12)
        process.send_signal(signal.SIGKILL)
        out, _ = process.communicate()
        for line in out.splitlines(keepends=True):
            if line.endswith("\n"):
                confirmed.update(line.split())
        made = Ledger(path)
        found, _ = made.since()
        assert confirmed <= {e.id for e in found}
        assert len(found) % 3 == 0
        made.close()
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    assert confirmed


def test_a_kill_loses_no_confirmed_mark(tmp_path: Path) -> None:
    _killed(tmp_path, 4, seed=1)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
def test_two_hundred_kills_lose_no_confirmed_mark(tmp_path: Path, seed: int) -> None:
    _killed(tmp_path, 20, seed=100 + seed)


@settings(max_examples=30)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )
)
def test_any_json_line_is_taken_or_named(value: Any) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.jsonl"
        path.write_text("".join(export_lines([])) + json.dumps(value) + "\n")
        found, refused = read_other(path)
        assert found == []
        assert len(refused) == 1
