"""A campaign's report: four forms that agree, the same bytes from the same bundle and ledger, a signature that can be checked, nothing
of a stranger's text obeyed, and what became of what was to be removed."""

from __future__ import annotations

import csv as csv_file
import hashlib
import html as markup
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from iamtui.errors import BadInputError, UsageError
from iamtui.model.document import Document, Kind, Origin
from iamtui.model.practice import Kept
from iamtui.model.review import Campaign, Close, Decision, Entry, Item, Mark, Score, Subject, SubjectKind, Undo
from iamtui.session import ListKind, Session, campaigns
from iamtui.session.reportcharts import practices
from iamtui.session.reportdata import Done, PracticeLine, Report
from iamtui.session.reporting import default_name, report, scores_of, write_report
from iamtui.session.reportmarkdown import body, markdown, signed
from iamtui.session.reporttext import FORMS, written
from iamtui.session.reviewing import ReviewSettings, rows_named
from iamtui.source.evidence import EvidenceSource
from iamtui.source.evidence.fingerprint import fingerprint
from iamtui.store.bundle import write_bundle
from iamtui.store.files import write_lines
from iamtui.store.ledger import new_id
from iamtui.store.ledgerrows import entry_of, last_id, row_of
from tests.hostile import CANARIES, NASTY, write_evidence

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 10, 1, 14, 2, tzinfo=UTC)
ACCOUNT = "123456789012"
ADMIN = {"PolicyName": "AdministratorAccess", "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}
KEEP, REMOVE, REDUCE, EXCEPTION = Decision.KEEP, Decision.REMOVE, Decision.REDUCE, Decision.EXCEPTION


def user(name: str, ident: str = "", policies: Sequence[dict[str, str]] = ()) -> dict[str, Any]:
    return {
        "UserName": name,
        "UserId": ident or f"AIDA{name.upper():X<16}",
        "Arn": f"arn:aws:iam::{ACCOUNT}:user/{name}",
        "Path": "/",
        "CreateDate": "2025-01-01T00:00:00Z",
        "GroupList": [],
        "AttachedManagedPolicies": list(policies),
    }


def bundle(path: Path, users: Sequence[dict[str, Any]], at: datetime = NOW, *, gap: bool = False, keys: bool = True) -> Path:
    """An account with these users, as `collect` writes it."""
    told = {"UserDetailList": list(users), "RoleDetailList": [], "GroupDetailList": [], "Policies": [], "IsTruncated": gap}
    body = json.dumps(told).encode()
    documents = [Document(Kind.AUTHORIZATION, body, at, Origin("live", "GAAD"), ACCOUNT, complete=not gap)]
    if keys:
        documents.append(Document(Kind.CREDENTIAL_REPORT, credential_report(users, at), at, Origin("live", "report"), ACCOUNT))
    write_bundle(path, documents, (), source="test", created=at)
    return path


def credential_report(users: Sequence[dict[str, Any]], at: datetime) -> bytes:
    used = (at - timedelta(days=10)).isoformat()
    key = "{0}_active,{0}_last_rotated,{0}_last_used_date,{0}_last_used_region,{0}_last_used_service"
    names = "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,mfa_active"
    lines = [
        f"{names},{key.format('access_key_1')},{key.format('access_key_2')},cert_1_active,cert_1_last_rotated,cert_2_active,cert_2_last_rotated"
    ]
    for one in [{"UserName": "<root_account>", "Arn": f"arn:aws:iam::{ACCOUNT}:root"}, *users]:
        made = "2025-01-01T00:00:00+00:00"
        lines.append(
            f"{one['UserName']},{one['Arn']},{made},true,{used},{made},N/A,false,true,{made},N/A,N/A,N/A,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A"
        )
    return "\n".join(lines).encode()


def opened(path: Path, ledger: Path | None, now: datetime = NOW, who: str = "ana") -> Session:
    session = Session(EvidenceSource((str(path),)), now=lambda: now)
    session.review_settings = ReviewSettings(ledger, who)
    session.open()
    for _ in session.refresh():
        pass
    session.load_marks()
    return session


def close(session: Session, campaign: Entry, note: str = "") -> str:
    """As the command does; the signed report."""
    end = campaigns.closing(session, campaign, note, scores_of(session, session.now(), campaigns.campaign_name(campaign)))
    text, digest = signed(body(report(session, campaign, closing=end)))
    campaigns.close(session, campaign, digest, note, end)
    return text


def decide(session: Session, decision: Decision, *names: str, **how: Any) -> None:
    session.decide(rows_named(session, names), decision, **how)


def forms(made: Report) -> dict[str, str]:
    return {form: "".join(written(made, form)) for form in FORMS}


USERS = [user("ana"), user("ben"), user("eve", policies=[ADMIN]), user("ivo"), user("zoe")]


@pytest.fixture
def signed_quarter(tmp_path: Path) -> tuple[Path, Path, str]:
    """(bundle, ledger, signed report) of a campaign that was closed two days later."""
    path = bundle(tmp_path / "q4.zip", USERS)
    session = opened(path, tmp_path / "l.db")
    campaign = campaigns.start(session, "2026 Q4", (("users", ""),))
    decide(session, REMOVE, "ben", reason="left | *gone*", ticket="SEC-1")
    decide(session, EXCEPTION, "eve", reason="emergency", expires=NOW + timedelta(days=1))
    decide(session, KEEP, "ana", "zoe")
    session.now = lambda: NOW + timedelta(days=2)  # type: ignore[method-assign]
    return path, tmp_path / "l.db", close(session, campaign, "all seen")


# -- the same bytes ---------------------------------------------------------------------------------------------------

_AGAIN = """
import sys
from pathlib import Path
from tests.unit.test_review_report import forms, opened, NOW
from iamtui.session import campaigns
from iamtui.session.reporting import report
from datetime import timedelta
session = opened(Path(sys.argv[1]), Path(sys.argv[2]), NOW + timedelta(days=500), "somebody else")
for form, text in forms(report(session, campaigns.campaign_named(session, sys.argv[3]))).items():
    Path(sys.argv[4], form).write_text(text, encoding="utf-8", newline="")
"""


def test_the_same_bundle_and_ledger_make_the_same_bytes_in_another_place_zone_and_process(
    signed_quarter: tuple[Path, Path, str], tmp_path: Path
) -> None:
    path, ledger, _ = signed_quarter
    fresh = tmp_path / "fresh.db"
    session = opened(path, fresh)  # of today, when nothing is old; in the other process it is read long after
    campaigns.start(session, "open one", (("users", "ana ben"),))
    decide(session, KEEP, "ana", reason="ünïcode")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    other = shutil.copy(path, elsewhere / path.name)
    for name, held in (("open one", fresh), ("2026 Q4", ledger)):
        session = opened(path, held)
        here = forms(report(session, campaigns.campaign_named(session, name)))
        assert here == forms(report(session, campaigns.campaign_named(session, name)))
        where = {
            "TZ": "Pacific/Kiritimati",
            "LC_ALL": "tr_TR.UTF-8",
            "PYTHONHASHSEED": "7",
            "PYTHONPATH": str(ROOT),
            "HOME": str(elsewhere),
        }
        words = [sys.executable, "-c", _AGAIN, str(other), str(held), name, str(elsewhere)]
        subprocess.run(words, env=where, cwd=elsewhere, check=True, timeout=60)
        for form, text in here.items():
            assert (elsewhere / form).read_bytes() == text.encode(), form


def test_what_was_signed_can_be_checked_with_sha256sum_and_made_again(signed_quarter: tuple[Path, Path, str], tmp_path: Path) -> None:
    path, ledger, text = signed_quarter
    session = opened(path, ledger, NOW + timedelta(days=9))
    campaign = campaigns.campaign_named(session, "2026 Q4")
    (tmp_path / "q4.md").write_text(text)
    digest = hashlib.sha256("\n".join(text.split("\n")[:-3]).encode() + b"\n").hexdigest()
    if sys.platform == "linux":
        told = subprocess.run("head -n -2 q4.md | sha256sum", shell=True, cwd=tmp_path, capture_output=True, text=True, check=True)
        assert told.stdout.split()[0] == digest
    _, end = campaigns.campaigns(session)[0]
    assert end is not None
    assert isinstance(end.body, Close)
    assert end.body.report == digest
    assert text.endswith(f"`{digest}`\n")
    # what is written later belongs to later: a decision, an undo of what was decided within, another campaign
    decide(session, REMOVE, "zoe")
    session.undo()
    session.undo()
    campaigns.start(session, "2027 Q1", (("users", ""),))
    made = report(session, campaign)
    assert campaigns.queue(session, campaign).progress.decided == made.number("decided") == 4
    assert markdown(made) == text
    assert made.signature is not None
    assert made.signature.same
    other = opened(bundle(tmp_path / "later.zip", USERS[:1] + USERS[2:], NOW + timedelta(days=40)), ledger)
    unlike = report(other, campaign)
    assert unlike.signature is not None
    assert not unlike.signature.same
    assert digest in markdown(unlike).splitlines()[-1]
    for form in ("html", "csv"):
        assert "are not those of then" in "".join(written(unlike, form))
        assert "has that hash" in "".join(written(made, form))


def test_the_rows_it_names_are_those_of_the_export(signed_quarter: tuple[Path, Path, str]) -> None:
    path, ledger, text = signed_quarter
    session = opened(path, ledger)
    lines, digest = re.search(r"the first (\d+) lines of iamtui review export, SHA-256 ([0-9a-f]{64})", text).groups()  # type: ignore[union-attr]
    told = list(session.export_ledger())
    assert int(lines) == len(told) - 1, "all but the end itself"
    assert hashlib.sha256("".join(told[:-1]).encode()).hexdigest() == digest
    assert hashlib.sha256(path.read_bytes()).hexdigest() in text


def test_an_end_of_the_same_moment_is_behind_all_rows() -> None:
    every = sorted(new_id(NOW) for _ in range(500))
    assert all(new_id(NOW, every[-1]) > every[-1] for _ in range(50))
    assert every[-1] <= last_id(NOW) < new_id(NOW + timedelta(milliseconds=1))
    assert new_id(NOW, last_id(NOW)) > last_id(NOW)
    assert len(new_id(NOW, every[0][:20] + "!" * 6)) == 26


def test_as_of_an_earlier_moment(signed_quarter: tuple[Path, Path, str]) -> None:
    path, ledger, _ = signed_quarter
    session = opened(path, ledger, NOW + timedelta(days=9))
    campaign = campaigns.campaign_named(session, "2026 Q4")
    made = report(session, campaign, at=NOW + timedelta(hours=1))
    assert made.ending is None
    assert (made.number("decided"), made.number("expired")) == (4, 0)
    assert report(session, campaign).number("expired") == 1
    with pytest.raises(UsageError, match="after the moment"):
        report(session, campaign, at=NOW - timedelta(days=1))


def test_what_happens_to_another_campaign_after_the_end_changes_nothing(tmp_path: Path) -> None:
    path, ledger = bundle(tmp_path / "1.zip", USERS), tmp_path / "l.db"
    session = opened(path, ledger)
    first = campaigns.start(session, "long one", (("users", ""),))
    decide(session, REMOVE, "ivo")
    session.now = lambda: NOW + timedelta(days=1)  # type: ignore[method-assign]
    second = campaigns.start(session, "short one", (("users", "ana ben"),))
    session.now = lambda: NOW + timedelta(days=2)  # type: ignore[method-assign]
    text = close(session, second)
    session.now = lambda: NOW + timedelta(days=20)  # type: ignore[method-assign]
    decide(session, REMOVE, "zoe")
    close(session, first)
    assert markdown(report(opened(path, ledger), second)) == text
    assert [(one.name, one.decided, one.days, one.closed is None) for one in report(session, second).trend] == [
        ("long one", 1, 2, True),
        ("short one", 0, 1, False),
    ]
    assert report(session, first).trend[-1].decided == 2


def test_what_a_reading_rests_on_is_told_by_content(tmp_path: Path) -> None:
    path = bundle(tmp_path / "a.zip", USERS)
    folder = tmp_path / "f"
    folder.mkdir()
    (folder / "gaad.json").write_bytes(b"{}")
    shutil.copy(path, folder / "b.zip")
    one = fingerprint(str(path))
    assert (one.name, one.kind, one.dated, one.made) == ("a.zip", "bundle", True, NOW)
    two = fingerprint(str(folder))
    assert (two.name, two.kind, two.files, two.dated) == ("f", "folder", 2, False)
    listed = "".join(f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in ("b.zip", "gaad.json"))
    assert two.sha256 == hashlib.sha256("".join(sorted(listed.splitlines(keepends=True))).encode()).hexdigest()
    assert fingerprint(str(tmp_path / "nowhere")).reason == "it is no longer there"
    made = opened(path, None)
    campaign = campaigns.start(made, "x", (("users", ""),))
    assert report(made, campaign).reading.reproducible
    (folder / "gaad.json").write_bytes(b'{"UserDetailList": [')
    made = opened(folder, None)
    campaign = campaigns.start(made, "x", (("users", ""),))
    told = report(made, campaign)
    assert not told.reading.reproducible
    assert any("f/gaad.json" in words for words in told.unread)
    assert not any(str(tmp_path) in words for words in told.unread)


# -- what became of it ------------------------------------------------------------------------------------------------


def test_what_became_of_what_was_to_be_removed_by_unique_id(tmp_path: Path) -> None:
    ledger = tmp_path / "l.db"
    session = opened(bundle(tmp_path / "1.zip", USERS), ledger)
    campaign = campaigns.start(session, "Q1", (("users", ""),))
    decide(session, REMOVE, "ana", "ben", "ivo", reason="unused")
    decide(session, REDUCE, "eve")
    decide(session, KEEP, "zoe")
    session.now = lambda: NOW + timedelta(days=3)  # type: ignore[method-assign]
    close(session, campaign)
    later = NOW + timedelta(days=90)
    users = [user("ben", "AIDABENMADEAGAIN"), user("eve"), user("ivo"), user("zoe", policies=[ADMIN])]
    session = opened(bundle(tmp_path / "2.zip", users, later), ledger, later)
    campaign = campaigns.start(session, "Q2", (("users", ""),), min_age=0)
    decide(session, KEEP, "ivo")
    made = report(session, campaign)
    told = {one.subject.name: (one.follow.done, one.now) for one in made.earlier}
    assert told == {"ana": (Done.GONE, ""), "ben": (Done.AGAIN, ""), "ivo": (Done.THERE, "keep"), "eve": (Done.CHANGED, "")}
    assert [made.number(f"earlier_{word}") for word in ("removals", "gone", "there", "untold")] == [3, 2, 1, 0]
    changed = {line.subject.name: line.since[0] for line in made.lines if line.since}
    assert {name: (one.was, one.now) for name, one in changed.items()} == {"eve": ("AWS's own", ""), "zoe": ("", "AWS's own")}
    assert [(one.name, one.items, one.count(REMOVE), one.count(REDUCE), one.open, one.days) for one in made.trend] == [
        ("Q1", 5, 3, 1, 0, 3),
        ("Q2", 4, 0, 0, 3, 0),
    ]
    assert made.trend[0].scores is not None
    assert made.trend[0].kept is not None
    assert {score.practice: score for score in made.trend[0].scores}["reviews"].kept is Kept.YES
    # of a reading that does not hold everybody, nobody is claimed to be gone
    session = opened(bundle(tmp_path / "3.zip", users[1:], later, gap=True), ledger, later)
    unsure = report(session, campaigns.campaign_named(session, "Q2"))
    assert {one.follow.done for one in unsure.earlier if one.subject.name in ("ana", "ben")} == {Done.UNTOLD}
    assert unsure.unread


def test_a_grant_and_a_key_decided_about_alone_are_told_and_followed(tmp_path: Path) -> None:
    session = opened(bundle(tmp_path / "1.zip", USERS), tmp_path / "l.db")
    campaign = campaigns.start(session, "Q1", (("users", ""),))
    (state,) = [one for one in campaigns.queue(session, campaign).states if one.item.subject.name == "eve"]
    for part in campaigns.item_view(session, state).parts:
        session.decide_about([(part.subject, part.evidence)], REMOVE, reason="too much", campaign=campaign.id)
    made = report(session, campaign)
    assert [(line.place, line.subject.noun, line.state, line.follow.done) for line in made.parts if line.follow] == [
        (6, "grant", "remove", Done.THERE), (7, "access key", "remove", Done.THERE),
    ]  # fmt: skip
    assert (made.number("parts"), made.number("remove"), made.number("open")) == (2, 0, 5)
    for form, text in forms(made).items():
        assert "AdministratorAccess of eve" in text, form
        assert "key 1 made 2025-01-01 00:00 of eve" in text, form
    assert {"e6", "e7"} <= set(page(forms(made)["html"]).ids)
    session.now = lambda: NOW + timedelta(days=3)  # type: ignore[method-assign]
    close(session, campaign)
    later = NOW + timedelta(days=90)
    rest = [user("eve") if one["UserName"] == "eve" else one for one in USERS]
    session = opened(bundle(tmp_path / "2.zip", rest, later), tmp_path / "l.db", later)
    campaign = campaigns.start(session, "Q2", (("users", "ana"),))
    assert [(one.subject.noun, one.follow.done) for one in report(session, campaign).earlier] == [
        ("grant", Done.GONE),
        ("access key", Done.THERE),
    ]
    # a reading that names no keys claims nothing of them
    bare = opened(bundle(tmp_path / "3.zip", rest, later, keys=False), tmp_path / "l.db", later)
    assert [(one.subject.noun, one.follow.done) for one in report(bare, campaign).earlier] == [
        ("grant", Done.GONE),
        ("access key", Done.UNTOLD),
    ]


def test_a_decision_whose_evidence_changed_is_reopened_with_the_change(tmp_path: Path) -> None:
    session = opened(bundle(tmp_path / "1.zip", USERS), tmp_path / "l.db")
    campaign = campaigns.start(session, "Q1", (("users", ""),))
    decide(session, KEEP, "ana", "ben")
    other = opened(bundle(tmp_path / "2.zip", [user("ana", policies=[ADMIN]), *USERS[1:]]), tmp_path / "l.db")
    made = report(other, campaign)
    assert [(line.subject.name, line.reopened) for line in made.of_state("keep")] == [("ana", True), ("ben", False)]
    for form, text in forms(made).items():
        assert "AWS's own" in markup.unescape(text), form
    assert made.number("reopened") == 1


def test_pictures_have_words_and_what_cannot_be_told_is_no_full_bar(signed_quarter: tuple[Path, Path, str]) -> None:
    path, ledger, _ = signed_quarter
    session = opened(path, ledger, NOW + timedelta(days=9))
    made = report(session, campaigns.start(session, "2027 Q1", (("users", ""),)))
    text = "".join(written(made, "html"))
    pictures = re.findall(r"<svg .*?</svg>", text, re.S)
    assert [re.search(r"<title[^>]*>([^<]*)", one).group(1) for one in pictures] == [  # type: ignore[union-attr]
        "Decisions", "Decided by list", "Practices", "Items by campaign", "Practices kept by campaign",
    ]  # fmt: skip
    assert all(re.search(r"<desc[^>]*>[^<]{9,}", one) for one in pictures)
    assert "Of 5 items: remove 0, reduce 0, ask owner 0, exception 0, keep 0, in conflict 0, open 5" in pictures[0]
    assert "2026 Q4: 5 items, 4 decided, 1 open; 2027 Q1: 5 items, 0 decided, 5 open" in pictures[3]
    drawn = practices(
        [PracticeLine(1, "MFA", "", Score("mfa", Kept.UNKNOWN, 4, 4, 0, 1)), PracticeLine(2, "Keys", "", Score("k", Kept.YES, 4, 4, 0))]
    )
    assert (drawn.count('class="track unsure"'), drawn.count('class="done"')) == (1, 1)
    assert "1. MFA: cannot be told; 2. Keys: kept 100 %, 0 offenders" in drawn
    (row,) = re.findall(r"^\| MFA for root and users \|.*$", markdown(made), re.M)
    assert [cell.strip() for cell in row.split("|")[2:4]] == ["not kept 0 %", "not kept 0 %"]
    assert text.count("<table") == text.count("<caption>") == text.count("<thead>")


# -- scores in the ledger ---------------------------------------------------------------------------------------------


def test_rows_from_before_there_were_scores_stay_and_are_told_as_not_recorded(tmp_path: Path) -> None:
    session = opened(bundle(tmp_path / "1.zip", USERS), tmp_path / "l.db")
    campaign = campaigns.start(session, "Q1", (("users", ""),))
    old = campaigns.close(session, campaign, "")
    row = row_of(old)
    assert "scores" not in row[5]
    assert row_of(entry_of(row, evidence=True)) == row
    made = report(session, campaign)
    assert (made.trend[-1].scores, made.practices, made.practices_words) == (None, (), "not recorded when it was closed")
    assert "not recorded" in "".join(written(made, "html"))

    class Before(msgspec.Struct, tag="close"):
        reviewer: str
        report: str = ""

    body = Close("ana", 1, 2, 3, "", "x", (Score("mfa", Kept.YES, 1, 1, 0),))
    assert msgspec.json.decode(msgspec.json.encode(body), type=Before).reviewer == "ana"


def test_scores_survive_an_export_and_a_merge(signed_quarter: tuple[Path, Path, str], tmp_path: Path) -> None:
    path, ledger, text = signed_quarter
    write_lines(tmp_path / "l.jsonl", opened(path, ledger).export_ledger())
    other = opened(path, tmp_path / "other.db")
    assert other.merge_ledger(tmp_path / "l.jsonl")[1:] == (0, ())
    assert other.merge_ledger(ledger)[0] == 0, "the same rows to the byte"
    assert markdown(report(other, campaigns.campaign_named(other, "2026 Q4"))) == text


# -- strangers --------------------------------------------------------------------------------------------------------

_TAGS = {
    "html": {"lang"}, "head": set(), "meta": {"charset", "http-equiv", "content", "name"}, "title": {"id"}, "style": set(), "body": set(),
    "header": set(), "h1": set(), "h2": {"id"}, "p": {"class"}, "strong": set(), "dl": set(), "dt": set(), "dd": set(), "nav": {"aria-label"},
    "ul": set(), "li": set(), "a": {"href"}, "main": set(), "section": {"id", "aria-labelledby"}, "footer": set(),
    "div": {"class", "tabindex", "role", "aria-label"}, "table": {"class"}, "caption": set(), "thead": set(), "tbody": {"class", "id"},
    "tr": set(), "th": {"scope", "class", "colspan"}, "td": {"class"}, "span": {"class"}, "desc": {"id"}, "figure": {"class", "tabindex"}, "figcaption": set(),
    "svg": {"viewbox", "width", "height", "role", "aria-labelledby"}, "rect": {"x", "y", "width", "height", "class"},
    "text": {"x", "y", "text-anchor", "class"}, "path": {"d", "class"}, "circle": {"cx", "cy", "r", "class"},
}  # fmt: skip
_VOID = ("meta", "rect", "path", "circle")


class _Page(HTMLParser):
    """What a page is made of; fails at what is not ours."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.ids: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.heads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in _TAGS, tag
        for name, value in attrs:
            assert name in _TAGS[tag], (tag, name)
            assert value is not None
            if name == "href":
                self.links.append(value)
            if name == "id":
                self.ids.append(value)
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.texts.append(data)
        elif self.open:
            assert "url(" not in data
            assert "@import" not in data

    def handle_comment(self, data: str) -> None:
        raise AssertionError("a comment")

    def handle_pi(self, data: str) -> None:
        raise AssertionError("an instruction")


def page(text: str) -> _Page:
    found = _Page()
    found.feed(text)
    found.close()
    assert not found.open
    assert len(set(found.ids)) == len(found.ids)
    assert all(link.startswith("#") and link[1:] in found.ids for link in found.links)
    return found


def rendered(text: str) -> str:
    """As a reader of GitHub's Markdown makes it, bare addresses made links."""
    return MarkdownIt("gfm-like").render(text)


def test_an_account_of_strangers_is_obeyed_in_no_form(tmp_path: Path) -> None:
    session = opened(write_evidence(tmp_path / "evil"), tmp_path / "l.db", who="<img src=x>\x1b[31m")
    evil = "<script>alert(1)</script> ![x](https://evil.example/a.png) https://evil.example www.evil.example //evil.example\x1b]52;c;SEFDS0VE\x07"
    campaign = campaigns.start(session, evil, tuple((pane, "") for pane in ("users", "roles", "groups", "policies")), min_age=0)
    every = [row for kind in (ListKind.USERS, ListKind.ROLES, ListKind.GROUPS) for row in session.listing(kind).rows]
    session.decide(every[::2], REMOVE, reason="=cmd|' /C calc'!A0 " + evil, ticket='"><svg onload=alert(1)>')
    for number, words in enumerate(NASTY.values()):
        session.decide([every[number]], KEEP, reason=words, ticket=words)
    made = report(session, campaign)
    assert made.number("items") > 60
    for form, text in forms(made).items():
        raw = text.encode("utf-8", "surrogateescape")
        assert not any(canary in raw for canary in CANARIES), form
        assert all(line.isprintable() for line in text.split("\n") if "\ufffd" not in line), form
    told = forms(made)
    found = page(told["html"])
    assert "<script>alert(1)</script>" in "".join(found.texts), "shown as text"
    assert "default-src 'none'" in markup.unescape(told["html"])
    for cell in (cell for row in csv_file.reader(io.StringIO(told["csv"])) for cell in row):
        assert not cell.lstrip(" \ufeff").startswith(("=", "+", "@", "|", "-", "%", "\t")), cell
    assert json.loads(told["json"])["campaign"] == made.name
    shown = rendered(told["markdown"])
    assert not re.search(r"<(?:a|img|script|svg|iframe|em|del|h[4-6]|ol|pre|hr|blockquote)\b", shown)
    assert shown.count("<h1>") == 1


@pytest.mark.parametrize(
    "text",
    [*NASTY.values(), "- a", "+ b", "1. c", "2026. d", "===", "---", "    code", "# h", "> q", "a | b", "`c`", "<b>", "&lt;b&gt;", "[x]: http://y", "http://y.example",
     "WWW.y.example", "//y.example", "ftp://y.example", "$x$", "~~x~~", "![x](y)"],
)  # fmt: skip
def test_markdown_text_is_text_wherever_it_stands(text: str) -> None:
    from iamtui.text import markdown_text, visible

    told = markdown_text(text[:200])
    for before in ("", "- ", "# "):
        shown = rendered(f"{before}{told} end\n")
        tags = set(re.findall(r"<(\w+)", shown))
        assert tags <= {"p", "ul", "li", "h1"}, shown
        assert (
            re.sub(r"\s+", " ", markup.unescape(re.sub(r"<[^>]+>", "", shown))).strip()
            == re.sub(r"\s+", " ", f"{visible(text[:200])} end").strip()
        )
    assert len(re.findall("<td", rendered(f"| a | b |\n|---|---|\n| {told} | {told} |\n"))) == 2


# -- the forms agree --------------------------------------------------------------------------------------------------

_KEYS = [
    "schema", "version", "tool", "campaign", "id", "state", "accounts", "scope", "begun", "begun_by", "closed", "closed_by", "note", "as_of", "min_age_days",
    "idle_days", "signature", "reading", "ledger", "numbers", "lists", "reviewers", "items", "parts", "earlier", "practices_as_of", "practices", "trend", "gaps",
    "unread", "spared",
]  # fmt: skip
"""Of version 1: what reads them relies on these."""
_NAMES = ("ana", "ben", "eve", "ivo")
_STEP = st.tuples(
    st.sampled_from((*_NAMES, "key of ana")),
    st.sampled_from(list(Decision)),
    st.sampled_from(("ana", "ben")),
    st.booleans(),  # whether it saw what was in force
    st.booleans(),  # whether it was taken back
    st.sampled_from(("", "| x", "=1+1")),
)


def _ledger(quarters: Sequence[Sequence[tuple[Any, ...]]]) -> Iterator[Entry]:
    """Campaigns one after another, each decided by these steps and closed."""
    at = NOW - timedelta(days=400)
    subjects = {name: _subject(name) for name in _NAMES}
    ana = subjects["ana"]
    subjects["key of ana"] = msgspec.structs.replace(
        ana, kind=SubjectKind.KEY, key=f"key:{ana.key}/AKIAEXAMPLE", name="AKIA of ana", noun="access key"
    )
    for number, steps in enumerate(quarters):
        at += timedelta(days=30)
        ident = new_id(at)
        yield Entry(ident, at, ACCOUNT, ident, Campaign(f"q{number}", "ana", (("users", ""),), 30, 90, len(_NAMES), (), (ACCOUNT,)))
        for place, name in enumerate(_NAMES):
            yield Entry(new_id(at), at, ACCOUNT, ident, Item(subjects[name], place, "users", 10, (), "h"))
        last: dict[str, str] = {}
        for name, decision, who, saw, back, reason in steps:
            at += timedelta(hours=5)
            made = new_id(at)
            after = (last[name],) if saw and name in last else ()
            expires = at + timedelta(days=3) if decision is EXCEPTION else None
            yield Entry(made, at, ACCOUNT, ident, Mark(subjects[name], decision, who, reason, expires, "", "h", after, made, ident))
            last[name] = made
            if back:
                at += timedelta(hours=1)
                yield Entry(new_id(at), at, ACCOUNT, "", Undo(made, who))
        at += timedelta(days=2)
        yield Entry(new_id(at), at, ACCOUNT, ident, Close("ana", 0, 0, 0, "", "", (Score("mfa", Kept.PARTLY, 3, 2, 1),)))


def _subject(name: str) -> Subject:
    told = user(name)
    return Subject(SubjectKind.IDENTITY, f"{told['Arn']}#{told['UserId']}", told["Arn"], told["UserId"], name, ACCOUNT, "user")


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Session]:
    source = EvidenceSource((str(bundle(tmp_path_factory.mktemp("points") / "p.zip", USERS[:3])),))
    first = Session(source, now=lambda: NOW)
    first.open()
    for _ in first.refresh():
        pass

    def fresh() -> Session:
        session = Session(source, now=lambda: NOW)
        session._book.world = first.world
        return session

    return fresh


@settings(max_examples=40, deadline=None)
@given(quarters=st.lists(st.lists(_STEP, max_size=9), min_size=1, max_size=3))
def test_all_forms_say_the_same_numbers(account: Callable[[], Session], quarters: list[list[tuple[Any, ...]]]) -> None:
    session = account()
    session.desk.add(list(_ledger(quarters)))
    every = campaigns.campaigns(session)
    made = report(session, every[-1][0])
    told = forms(made)
    numbers = {one.id: one.value for one in made.numbers}
    # counted from the rows, not from the summary
    as_json = json.loads(told["json"])
    assert as_json["numbers"] == numbers
    assert (as_json["schema"], as_json["version"], list(as_json)) == ("iamtui-review-report", 1, _KEYS)
    states = [item["state"] for item in as_json["items"]]
    rows = list(csv_file.DictReader(io.StringIO(told["csv"])))
    items = [row for row in rows if row["record"] == "item"]
    assert [row["state"] for row in items] == states
    assert {row["name"]: int(row["number"]) for row in rows if row["record"] == "number"} == numbers
    assert numbers["items"] == len(states) == len(_NAMES)
    assert numbers["open"] == states.count("open")
    assert numbers["conflicts"] == states.count("conflict")
    for decision in Decision:
        assert numbers[decision.name.lower()] == states.count(decision.value)
    assert numbers["decided"] + numbers["open"] + numbers["conflicts"] == numbers["items"]
    parts = as_json["parts"]
    assert numbers["parts"] == len(parts) == sum(row["record"] == "part" for row in rows)
    assert numbers["expired"] == sum(item["expired"] for item in (*as_json["items"], *parts))
    past = [row for row in rows if row["record"] == "earlier" and row["state"] == "remove"]
    assert numbers["earlier_removals"] == len(past) == sum(numbers[f"earlier_{word}"] for word in ("gone", "there", "untold"))
    assert all(row["now"].startswith("gone") == (row["name"] == "ivo") for row in past)
    found = page(told["html"])
    for heading in [text for text in found.texts if re.fullmatch(r"[A-Z][^\n]* \(\d+\)", text)]:
        assert f"## {heading}" in told["markdown"]
    cells = re.findall(r'<th scope="row"[^>]*>([^<]+)</th><td class="number">([\d,]+)</td>', told["html"].partition('id="lists"')[0])
    assert {words: int(number) for words, number in cells} == {one.words: one.value for one in made.numbers}
    lines = dict(re.findall(r"^\| ([^|]+) \| ([\d,]+) \| [\d,]* \|$", told["markdown"], re.M))
    assert {one.words: str(one.value) for one in made.numbers}.items() <= lines.items()
    # what the trend says of a campaign is what that campaign's own report says
    for (entry, _), figures in zip(every, made.trend, strict=True):
        own = report(session, entry)
        assert [own.number(word) for word in ("items", "decided", "open", "conflicts")] == [
            figures.items,
            figures.decided,
            figures.open,
            figures.conflicts,
        ]
        assert own.figures == figures


# -- files ------------------------------------------------------------------------------------------------------------


def test_a_file_is_written_in_the_form_its_name_asks_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    session = opened(bundle(tmp_path / "1.zip", USERS), None)
    campaign = campaigns.start(session, "../../Q4: <x> ünd", (("users", ""),))
    assert default_name("../../Q4: <x> ünd") == "iamtui-review-q4-x-nd.html"
    assert default_name("宽") == "iamtui-review-campaign.html"
    said = write_report(session, campaign)
    assert said == "Wrote the report of ../../Q4: <x> ünd to iamtui-review-q4-x-nd.html: 5 items, 5 open"
    assert page(Path("iamtui-review-q4-x-nd.html").read_text()).ids
    assert os.stat("iamtui-review-q4-x-nd.html").st_mode & 0o077 == 0
    write_report(session, campaign)
    assert Path("iamtui-review-q4-x-nd-2.html").exists()
    write_report(session, campaign, "x.json")
    assert json.loads(Path("x.json").read_text())["schema"] == "iamtui-review-report"
    with pytest.raises(UsageError, match="of no form"):
        write_report(session, campaign, "x.doc")
    with pytest.raises(BadInputError, match="could not be written"):
        write_report(session, campaign, "1.zip/x.html")


@pytest.mark.long
def test_ten_thousand_items_are_all_in_the_page(tmp_path: Path) -> None:
    session = opened(bundle(tmp_path / "1.zip", [user(f"u{number:05}") for number in range(10_000)]), tmp_path / "l.db")
    campaign = campaigns.start(session, "large", (("users", ""),))
    session.decide(list(session.listing(ListKind.USERS).rows)[:6000], REMOVE, reason="unused")
    found = page("".join(written(report(session, campaign), "html")))
    assert sum(re.fullmatch(r"e\d+", ident) is not None for ident in found.ids) == 10_000
