"""The cache: private, shared, damaged, foreign, and never a pickle."""

from __future__ import annotations

import os
import pickle
import sqlite3
import stat
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import diskcache
import pytest

from iamtui.model.account import USERS, Section, Snapshot
from iamtui.model.document import Document, Kind, Origin
from iamtui.model.fact import State
from iamtui.model.freshness import FRESH_FOR as TTL
from iamtui.model.identity import User
from iamtui.store import cache as module
from iamtui.store.cache import Cache

NOW = datetime(2026, 10, 1, tzinfo=UTC)
ACCOUNT = "123456789012"


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (os.mkdir, (str(self.path),))


def document(key: str = "User", part: int = 0, body: bytes = b"{}") -> Document:
    return Document(Kind.AUTHORIZATION, body, NOW, Origin("live", "iam:GetAccountAuthorizationDetails"), ACCOUNT, key, part=part)


def snapshot(count: int = 3) -> Snapshot:
    users = tuple(User(f"arn:aws:iam::{ACCOUNT}:user/u{i}", f"u{i}", f"AIDA{i}", "/", ACCOUNT, NOW) for i in range(count))
    return Snapshot(ACCOUNT, users=users, sections={USERS: Section(State.KNOWN, NOW, Origin("live", "x"), True)})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def plant(folder: Path, bomb: Path, where: str) -> None:
    """A pickle, as diskcache itself would have written it."""
    folder.mkdir(mode=0o700)
    plain = diskcache.Cache(str(folder), disk_min_file_size=0 if where == "file" else 1 << 20)
    if where == "key":
        plain[("snapshot", Bomb(bomb))] = b"x"
    else:
        plain[f"snapshot/{ACCOUNT}"] = Bomb(bomb)
    plain.close()


@pytest.mark.parametrize("where", ["value", "key", "file"])
def test_a_planted_pickle_is_refused_and_set_aside(folder: Path, tmp_path: Path, where: str) -> None:
    bomb = tmp_path / "went-off"
    plant(folder, bomb, where)
    cache = Cache(folder)
    assert cache.snapshot(ACCOUNT) is None
    assert cache.accounts() == ()
    assert not bomb.exists()
    assert "pickle" in cache.notices[0]
    assert list(tmp_path.glob("cache.damaged-*"))
    cache.put_snapshot(ACCOUNT, snapshot())
    assert cache.snapshot(ACCOUNT) is not None


@pytest.mark.parametrize("where", ["value", "file"])
def test_plain_diskcache_would_have_run_it(folder: Path, tmp_path: Path, where: str) -> None:
    """The proof that the test above plants something that works."""
    bomb = tmp_path / "went-off"
    plant(folder, bomb, where)
    diskcache.Cache(str(folder)).get(f"snapshot/{ACCOUNT}")
    assert bomb.exists()


def test_a_pickle_planted_while_it_is_open_is_refused_too(folder: Path, tmp_path: Path) -> None:
    bomb = tmp_path / "went-off"
    cache = Cache(folder)
    cache.put_snapshot(ACCOUNT, snapshot())
    with sqlite3.connect(folder / "cache.db") as connection:
        connection.execute("UPDATE Cache SET mode = 4, value = ? WHERE key = ?", (pickle.dumps(Bomb(bomb)), f"snapshot/{ACCOUNT}"))
    connection.close()
    assert cache.snapshot(ACCOUNT) is None
    assert not bomb.exists()
    assert cache.notices


def test_nothing_but_text_and_bytes_goes_in(folder: Path) -> None:
    disk = Cache(folder)._cache.disk
    with pytest.raises(TypeError):
        disk.put(("a", 1))
    with pytest.raises(TypeError):
        disk.store({"a": 1}, False)


def test_everything_is_private_under_a_lax_umask(folder: Path) -> None:
    before = os.umask(0)
    try:
        cache = Cache(folder)
        cache.put_snapshot(ACCOUNT, snapshot())
        cache.put_document(ACCOUNT, document(body=os.urandom(3 << 20)))  # a value file of its own
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*")}
    assert len(modes) > 2
    assert all(mode in (0o600, 0o700) for mode in modes.values()), modes


@pytest.mark.parametrize("content", [b"", b"not a database", b"SQLite format 3\x00" + b"\xff" * 4000])
def test_a_damaged_cache_is_set_aside_with_a_sentence(folder: Path, content: bytes) -> None:
    folder.mkdir()
    (folder / "cache.db").write_bytes(content)
    cache = Cache(folder)
    cache.put_snapshot(ACCOUNT, snapshot())
    assert cache.snapshot(ACCOUNT) is not None
    if content:
        assert "set aside" in cache.notices[0]
        assert str(folder) in cache.notices[0]


def test_documents_come_back_in_order_and_sets_replace_sets(folder: Path) -> None:
    cache = Cache(folder)
    cache.replace_documents(ACCOUNT, Kind.AUTHORIZATION, "User", [document(part=i, body=b"%d" % i) for i in range(12)])
    cache.put_document(ACCOUNT, document(key="arn:aws:iam::1:user/\x1b]52;c;x\x07", body=b"{}"))
    cache.replace_documents(ACCOUNT, Kind.AUTHORIZATION, "User", [document(part=i, body=b"new%d" % i) for i in range(2)])
    found = [d for d in cache.documents(ACCOUNT) if d.key == "User"]
    assert [d.body for d in found] == [b"new0", b"new1"]
    assert len(list(cache.documents(ACCOUNT, Kind.AUTHORIZATION))) == 3
    assert list(cache.documents("999999999999")) == []


def test_another_models_snapshot_is_not_misread(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = Cache(folder)
    cache.put_snapshot(ACCOUNT, snapshot())
    monkeypatch.setattr(module, "_mark", b"12345678")
    assert cache.snapshot(ACCOUNT) is None


def test_two_instances_at_once(folder: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from tests.unit.test_store_cache import document, ACCOUNT; from iamtui.store.cache import Cache\n"
        "c = Cache(Path(sys.argv[1]))\n"
        "for i in range(40): c.put_document(ACCOUNT, document(key=f'k{sys.argv[2]}{i}'))\n"
        "assert not c.notices, c.notices"
    )
    root = Path(__file__).parents[2]
    running = [subprocess.Popen([sys.executable, "-c", program, str(folder), name], cwd=root) for name in "ab"]
    assert [process.wait() for process in running] == [0, 0]
    assert len(list(Cache(folder).documents(ACCOUNT))) == 80


@pytest.mark.parametrize("content", [b"", b"not a database"])
def test_many_instances_begin_one_cache_together(folder: Path, content: bytes) -> None:
    """Eight begin at the same moment, on nothing and on a damaged one: one makes it, all of them use it."""
    program = (
        "import sys, time; from pathlib import Path; from tests.unit.test_store_cache import document, ACCOUNT\n"
        "from iamtui.store.cache import Cache\n"
        "import diskcache\n"
        "c = Cache(Path(sys.argv[1])); time.sleep(max(0, float(sys.argv[3]) - time.time()))\n"
        "for i in range(5): c.put_document(ACCOUNT, document(key=f'k{sys.argv[2]}{i}'))\n"
        "print(len(c.notices))"
    )
    if content:
        folder.mkdir()
        (folder / "cache.db").write_bytes(content)
    root, at = Path(__file__).parents[2], str(time.time() + 2)
    running = [
        subprocess.Popen([sys.executable, "-c", program, str(folder), name, at], cwd=root, stdout=subprocess.PIPE, text=True)
        for name in "abcdefgh"
    ]
    told = [int(process.communicate()[0]) for process in running]
    assert sum(told) == (1 if content else 0)
    assert len(list(Cache(folder).documents(ACCOUNT))) == 40


def test_an_instance_follows_when_another_set_the_cache_aside(folder: Path) -> None:
    mine, other = Cache(folder), Cache(folder)
    mine.put_document(ACCOUNT, document(key="a"))
    other.put_document(ACCOUNT, document(key="b"))
    other._recover(sqlite3.DatabaseError("database disk image is malformed"))
    other.put_document(ACCOUNT, document(key="c"))
    mine._recover(sqlite3.OperationalError("attempt to write a readonly database"))
    mine.put_document(ACCOUNT, document(key="d"))
    assert (len(other.notices), mine.notices) == (1, [])
    assert {d.key for d in Cache(folder).documents(ACCOUNT)} == {"c", "d"}


def test_a_busy_cache_is_not_taken_for_a_damaged_one(folder: Path) -> None:
    cache = Cache(folder)
    cache.put_document(ACCOUNT, document(key="a"))
    cache._recover(sqlite3.OperationalError("database is locked"))
    assert len(list(cache.documents(ACCOUNT))) == 1
    assert "just now" in cache.notices[0]


def test_a_folder_that_cannot_be_written_is_a_sentence(folder: Path) -> None:
    cache = Cache(folder)
    cache.put_snapshot(ACCOUNT, snapshot())
    cache.close()
    cache = Cache(folder)
    with sqlite3.connect(folder / "cache.db") as connection:
        connection.execute("CREATE TRIGGER full BEFORE INSERT ON Cache BEGIN SELECT RAISE(ABORT, 'disk is full'); END")
    connection.close()
    cache.put_document(ACCOUNT, document())
    cache.replace_documents(ACCOUNT, Kind.AUTHORIZATION, "User", [document()])
    assert ["disk is full" in notice and "memory only" in notice for notice in cache.notices] == [True]


def test_every_kept_kind_has_a_life(folder: Path) -> None:
    from iamtui.session.keeping import SIDE_KINDS

    assert set(SIDE_KINDS) <= set(TTL)
    cache = Cache(folder)
    cache.put_document(ACCOUNT, document())
    fresh = cache.info(NOW + TTL[Kind.AUTHORIZATION])
    stale = cache.info(NOW + TTL[Kind.AUTHORIZATION] * 1.01)
    assert [e.stale for e in fresh.entries] == [False]
    assert [e.stale for e in stale.entries] == [True]


def test_clearing_one_account_leaves_the_other(folder: Path) -> None:
    cache = Cache(folder)
    for account in (ACCOUNT, "999999999999"):
        cache.put_snapshot(account, snapshot())
        cache.put_document(account, document())
        cache.remember_account(f"profile-{account}", account)
    cache.clear(ACCOUNT)
    assert cache.accounts() == ("999999999999",)
    assert cache.account_of(f"profile-{ACCOUNT}") is None
    assert cache.account_of("profile-999999999999") == "999999999999"
    cache.clear()
    assert cache.accounts() == ()
