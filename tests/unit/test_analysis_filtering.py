"""The filter language, and sorting by what values mean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamtui.analysis.filtering import FilterError, Index, apply, parse
from iamtui.analysis.lists import Column, ColumnKind, columns
from iamtui.errors import UsageError
from iamtui.model.event import Actor, ActorKind, Event, Outcome
from iamtui.model.fact import Fact, State, absent, known

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


class Item(msgspec.Struct):
    name: str
    groups: tuple[str, ...] = ()
    mfa: Any = True
    age: Any = None  # days, or a State
    keys: Any = 0
    unique: str = ""


def _fact(value: Any) -> Fact[Any]:
    return absent(value, detail="iam:GetCredentialReport" if value is State.DENIED else "") if isinstance(value, State) else known(value)


def _age(item: Item) -> Fact[Any]:
    if item.age is None or isinstance(item.age, State):
        return _fact(item.age or State.NEVER)
    return known(NOW - timedelta(days=item.age))


COLUMNS = (
    Column("user", "USER", ColumnKind.TEXT, "", lambda i, s: known(i.name)),
    Column("mfa", "MFA", ColumnKind.BOOL, "", lambda i, s: _fact(i.mfa)),
    Column("groups", "GROUPS", ColumnKind.LIST, "", lambda i, s: known(i.groups)),
    Column("last-seen", "LAST SEEN", ColumnKind.TIME, "", lambda i, s: _age(i)),
    Column("keys", "KEYS", ColumnKind.NUMBER, "", lambda i, s: _fact(i.keys)),
    Column("key-age", "KEY AGE", ColumnKind.TEXT, "", lambda i, s: known("")),
    Column("unique-id", "UNIQUE ID", ColumnKind.TEXT, "", lambda i, s: known(i.unique), detail_only=True),
)

ITEMS = [
    Item("alice", ("ops", "dev"), True, 3, 2, "AIDAALICE00000001"),
    Item("Bob-admin", ("ops",), False, 100, 1),
    Item("carol", (), State.DENIED, State.DENIED, State.DENIED),
    Item("deploy bot", ("robots",), False, State.NEVER, 0),
    Item("eve", ("ops-readers",), State.NOT_LOADED, State.NOT_IN_TRACKING_PERIOD, 12),
]


def index(items: list[Item] = ITEMS) -> Index:
    return Index(COLUMNS, [(item, None) for item in items], NOW)


def names(text: str, items: list[Item] = ITEMS) -> list[str]:
    return [items[i].name.split("-")[0].split(" ")[0] for i in apply(parse(text, COLUMNS, NOW), index(items))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["alice", "Bob", "carol", "deploy", "eve"]),
        ("   ", ["alice", "Bob", "carol", "deploy", "eve"]),
        ("ALI", ["alice"]),
        ("ops", ["alice", "Bob", "eve"]),
        ("ops admin", ["Bob"]),
        ("!ops", ["carol", "deploy"]),
        ("ops !admin", ["alice", "eve"]),
        ("never", ["deploy"]),
        ("denied", ["carol"]),
        ("alice|robots", ["alice", "deploy"]),
        ("!alice|robots", ["Bob", "carol", "eve"]),
        ('"deploy bot"', ["deploy"]),
        ("'deploy bot'", ["deploy"]),
        ('"deploy', ["deploy"]),
        ('!"deploy bot"', ["alice", "Bob", "carol", "eve"]),
        ("AIDAALICE", ["alice"]),
        ("AIDA", []),
        # columns
        ("user:o", ["Bob", "carol", "deploy"]),
        ("user=o", ["Bob", "carol", "deploy"]),
        ("us:o", ["Bob", "carol", "deploy"]),
        ("USER:O", ["Bob", "carol", "deploy"]),
        ("name:alice", ["alice"]),
        ('user:"deploy bot"', ["deploy"]),
        ("!user:o", ["alice", "eve"]),
        ("user:=eve", ["eve"]),
        ("user:=ev", []),
        ("groups:=ops", ["alice", "Bob"]),
        ("groups:none", ["carol"]),
        ("!groups:none", ["alice", "Bob", "deploy", "eve"]),
        ("user:alice|bob", ["alice", "Bob"]),
        ("last_seen:never", ["deploy"]),
        # states and booleans
        ("mfa:yes", ["alice"]),
        ("mfa:no", ["Bob", "deploy"]),
        ("mfa:false", ["Bob", "deploy"]),
        ("mfa:denied", ["carol"]),
        ("mfa:not-loaded", ["eve"]),
        ("!mfa:yes", ["Bob", "carol", "deploy", "eve"]),
        ("last:never", ["deploy"]),
        ("last:unused", ["deploy", "eve"]),
        ("last:not-in-tracking-period", ["eve"]),
        ("last:denied|never", ["carol", "deploy"]),
        # ages, dates, numbers
        ("last-seen:>90d", ["Bob"]),
        ("last-seen>90d", ["Bob"]),
        ("last-seen:<90d", ["alice"]),
        ("last-seen:7d", ["alice"]),
        ("last-seen:<2w", ["alice"]),
        ("last-seen:>90d|never", ["Bob", "deploy"]),
        ("last-seen:<2026-10", ["Bob"]),
        ("last-seen:>=2026-10-29", ["alice"]),
        ("last-seen:>2026-10-29", []),
        ("last-seen:<=2026-10-29", ["alice", "Bob"]),
        ("last-seen:2026-10-29", ["alice"]),
        ("last-seen:2026", ["alice", "Bob"]),
        ("last-seen:2026-10-29T12", ["alice"]),
        ("last-seen:2026-10-29T13", []),
        ("since:7d", ["alice"]),
        ("until:2026-10-29", ["alice", "Bob"]),
        ("until:2026-10-28", ["Bob"]),
        ("!since:7d", ["Bob", "carol", "deploy", "eve"]),
        ("keys:2", ["alice"]),
        ("keys:>=2", ["alice", "eve"]),
        ("keys:<1", ["deploy"]),
        ("keys:denied", ["carol"]),
        # still being typed
        ("mfa:", ["alice", "Bob", "carol", "deploy", "eve"]),
        ("!", ["alice", "Bob", "carol", "deploy", "eve"]),
        ("keys:>", ["alice", "Bob", "carol", "deploy", "eve"]),
        ("last-seen:>=", ["alice", "Bob", "carol", "deploy", "eve"]),
        ('user:"', ["alice", "Bob", "carol", "deploy", "eve"]),
        ("|", ["alice", "Bob", "carol", "deploy", "eve"]),
    ],
)
def test_grammar(text: str, expected: list[str]) -> None:
    assert names(text) == expected


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("colour:red", "There is no column colour; there are user, mfa, groups, last-seen, keys, key-age and unique-id"),
        ("ke:1", "ke could be keys, key-age"),
        ("keys:>many", "keys is a number and cannot be compared with many"),
        ("last-seen:>soon", "last-seen cannot be compared with soon"),
        ("since:soon", "soon is no time"),
        ("user:>5", "user holds text; > compares numbers, dates and ages"),
        ("last-seen:>2026-13-45", "last-seen cannot be compared with 2026-13-45"),
    ],
)
def test_what_cannot_be_understood_is_said(text: str, sentence: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse(text, COLUMNS, NOW)
    assert sentence in caught.value.message.replace(" and ", ", " if text == "ke:1" else " and ")
    assert isinstance(caught.value, UsageError)


def test_quotes_take_signs_as_they_are() -> None:
    odd = [Item("a:b"), Item("a|b"), Item("!x"), Item("a=b")]
    assert [odd[i].name for i in apply(parse('"a:b"', COLUMNS, NOW), index(odd))] == ["a:b"]
    assert [odd[i].name for i in apply(parse('"a|b"', COLUMNS, NOW), index(odd))] == ["a|b"]
    assert [odd[i].name for i in apply(parse('"!x"', COLUMNS, NOW), index(odd))] == ["!x"]
    assert [odd[i].name for i in apply(parse('user:"a=b"', COLUMNS, NOW), index(odd))] == ["a=b"]
    assert apply(parse('user:">"', COLUMNS, NOW), index([*odd, Item("<b>")])) == [4]


def test_text_is_found_as_it_is_shown_not_as_it_is_stored() -> None:
    hostile = [Item("evil\x1b]52;c;x\x07"), Item("plain")]
    assert apply(parse("\x1b]52", COLUMNS, NOW), index(hostile)) == [0]
    assert apply(parse("␛]52", COLUMNS, NOW), index(hostile)) == [0]


def test_no_text_is_found_across_two_cells() -> None:
    assert apply(parse("aliceyes", COLUMNS, NOW), index()) == []


def test_ages_beyond_all_time_are_understood() -> None:
    assert names("last-seen:<99999999999y") == ["alice", "Bob"]
    assert names("last-seen:>99999999999y") == []


# -- events -------------------------------------------------------------------------------------------------------------------


def _event(name: str, **more: Any) -> Event:
    event = Event(
        "0a1b2c3d",
        NOW - timedelta(days=3),
        name,
        "iam.amazonaws.com",
        "us-east-1",
        "1",
        Actor(ActorKind.USER, "mallory"),
        Outcome.SUCCESS,
        False,
        "",
    )
    return msgspec.structs.replace(event, **more)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("AttachUserPolicy since=7d", [0]),
        ("since=2d", []),
        ("since:2026-10-01 until:2026-10-28", []),
        ("name=Attach", [0]),
        ("actor:mallory", [0, 1]),
        ("target:ops-admin", [0]),
        ("ip:192.0.2.1", [1]),
        ("origin:192.0.2.1", [1]),
        ("outcome=denied", [1]),
        ("service:iam", [0, 1]),
        ("region:us-east-1", [0, 1]),
        ("readonly:no", [0]),
        ("readonly=yes", [1]),
        ("error:AccessDenied", [1]),
        ("error:none", [0]),
        ("arn:aws:iam::aws:policy/AdministratorAccess", [0]),
        ("user-agent:boto", [1]),
        ("agent:boto", [1]),
        ("boto", []),
    ],
)
def test_event_filters(text: str, expected: list[int]) -> None:
    events = [
        _event("AttachUserPolicy", targets=("ops-admin", "arn:aws:iam::aws:policy/AdministratorAccess")),
        _event("ListUsers", read_only=True, ip="192.0.2.1", outcome=Outcome.DENIED, error_code="AccessDenied", user_agent="Boto3/1"),
    ]
    found = columns("events")
    assert apply(parse(text, found, NOW), Index(found, [(event, None) for event in events], NOW)) == expected


def test_readonly_is_only_a_name_for_access() -> None:
    with pytest.raises(FilterError):
        parse("readonly:yes", COLUMNS, NOW)


def test_a_grown_list_takes_over_what_was_read_and_only_that() -> None:
    reads: list[str] = []

    def name(item: Item, _snapshot: Any) -> Fact[Any]:
        reads.append(item.name)
        return known(item.name)

    counted = (Column("user", "USER", ColumnKind.TEXT, "", name), COLUMNS[3])
    first = [(item, None) for item in ITEMS]
    old = Index(counted, first, NOW)
    assert old.select(parse("e", counted, NOW)) == [0, 2, 3, 4]
    reads.clear()
    later = NOW + timedelta(days=10)
    young, other = Item("zoe"), Item("alice", age=3)
    grown = Index(counted, [(young, None), *first[1:], (other, None)], later, old)
    assert grown.select(parse("o", counted, later)) == [0, 1, 2, 3, 4]
    assert reads == ["zoe", "alice"]
    assert grown.shown("last-seen")[1] == "110 d"
    assert grown.shown("user") == Index(counted, [(young, None), *first[1:], (other, None)], later).shown("user")


# -- sorting --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "descending", "expected"),
    [
        ("user", False, ["alice", "Bob", "carol", "deploy", "eve"]),
        ("user", True, ["eve", "deploy", "carol", "Bob", "alice"]),
        ("last-seen", False, ["Bob", "alice", "deploy", "eve", "carol"]),
        ("last-seen", True, ["alice", "Bob", "deploy", "eve", "carol"]),
        ("keys", False, ["deploy", "Bob", "alice", "eve", "carol"]),
        ("keys", True, ["eve", "alice", "Bob", "deploy", "carol"]),
        ("mfa", False, ["Bob", "deploy", "alice", "carol", "eve"]),
        ("key-age", True, ["alice", "Bob", "carol", "deploy", "eve"]),
    ],
)
def test_sort_is_typed_and_what_has_no_value_comes_last(column: str, descending: bool, expected: list[str]) -> None:
    ordered = index().sorted(range(len(ITEMS)), column, descending)
    assert [ITEMS[i].name.split("-")[0].split(" ")[0] for i in ordered] == expected


def test_sort_by_a_column_that_is_not_there() -> None:
    with pytest.raises(FilterError, match="no column height"):
        index().sorted([0], "height")


# -- properties -------------------------------------------------------------------------------------------------------------------

_items = st.lists(
    st.builds(
        Item,
        st.text(max_size=6),
        st.tuples(st.sampled_from(["ops", "dev", "x"])),
        st.sampled_from([True, False, State.DENIED, State.NOT_LOADED]),
        st.one_of(st.none(), st.integers(0, 5000), st.sampled_from([s for s in State if s is not State.KNOWN])),
        st.one_of(st.integers(-3, 20), st.just(State.DENIED)),
    ),
    max_size=12,
)
_words = st.sampled_from(
    [
        "a",
        "ops",
        "never",
        "mfa:yes",
        "mfa:n",
        "last-seen:>90d",
        "last-seen:never|denied",
        "keys:>=2",
        "keys:1",
        "since:30d",
        "groups:=ops",
        "user:none",
        '"o p"',
        "x|y",
    ]
) | st.text(alphabet="abops", min_size=1, max_size=3)


@given(_items, _words)
def test_a_word_and_its_negation_part_the_rows(items: list[Item], word: str) -> None:
    made = index(items)
    with_it, without = apply(parse(word, COLUMNS, NOW), made), apply(parse("!" + word, COLUMNS, NOW), made)
    assert sorted(with_it + without) == list(range(len(items)))


@given(_items, _words, _words)
def test_words_are_joined_by_and_in_any_order(items: list[Item], one: str, other: str) -> None:
    made = index(items)
    both = apply(parse(f"{one} {other}", COLUMNS, NOW), made)
    assert both == apply(parse(f"{other}  {one}", COLUMNS, NOW), made)
    assert both == sorted(set(apply(parse(one, COLUMNS, NOW), made)) & set(apply(parse(other, COLUMNS, NOW), made)))


@given(_items, st.sampled_from([c.id for c in COLUMNS]), st.booleans())
def test_sort_is_a_stable_permutation_with_values_first(items: list[Item], column: str, descending: bool) -> None:
    made = index(items)
    ordered = made.sorted(range(len(items)), column, descending)
    assert sorted(ordered) == list(range(len(items)))
    values = [made.values(column)[i] for i in ordered]
    known_ones = [value for value in values if not isinstance(value, State)]
    assert values[: len(known_ones)] == known_ones
    assert known_ones == sorted(known_ones, reverse=descending)
    for a, b in pairwise(ordered):
        if made.values(column)[a] == made.values(column)[b]:
            assert a < b


@given(st.text(max_size=30))
def test_no_filter_text_ends_in_a_traceback(text: str) -> None:
    try:
        wanted = parse(text, COLUMNS, NOW)
    except FilterError:
        pass
    else:
        assert set(apply(wanted, index())) <= set(range(len(ITEMS)))


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("origin:192.0.2.0/24", {"192.0.2.7", "192.0.2.200"}),
        ("ip:=192.0.2.9/24", {"192.0.2.7", "192.0.2.200"}),
        ("!origin:192.0.2.0/24", {"198.51.100.1", "2001:db8::5", "eks.amazonaws.com"}),
        ("origin:2001:db8::/32", {"2001:db8::5"}),
        ("origin:192.0.2.0/99", set()),
        ("origin:192.0.2.0/24|198.51.100.1", {"192.0.2.7", "192.0.2.200", "198.51.100.1"}),
    ],
)
def test_addresses_of_a_network(wanted: str, found: set[str]) -> None:
    from iamtui.model.event import Actor, ActorKind, Event, Outcome

    addresses = ("192.0.2.7", "192.0.2.200", "198.51.100.1", "2001:db8::5", "eks.amazonaws.com")
    made = [
        Event(ip, datetime(2026, 1, 1, tzinfo=UTC), "X", "s", "r", "1", Actor(ActorKind.UNKNOWN, ""), Outcome.SUCCESS, True, "{}", ip=ip)
        for ip in addresses
    ]
    all_columns = columns("events")
    now = datetime(2026, 1, 2, tzinfo=UTC)
    index = Index(all_columns, [(event, None) for event in made], now)
    assert {made[i].ip for i in apply(parse(wanted, all_columns, now), index)} == found


def test_classes_are_sorted_by_weight() -> None:
    from iamtui.model.event import Actor, ActorKind, Event, Outcome

    now = datetime(2026, 1, 2, tzinfo=UTC)
    names = ("ListUsers", "TagUser", "PutUserPolicy", "CreateUser")
    made = [Event(n, now, n, "iam.amazonaws.com", "r", "1", Actor(ActorKind.UNKNOWN, ""), Outcome.SUCCESS, None, "{}") for n in names]
    index = Index(columns("events"), [(event, None) for event in made], now)
    assert [names[i] for i in index.sorted(range(4), "class")] == ["CreateUser", "PutUserPolicy", "TagUser", "ListUsers"]
