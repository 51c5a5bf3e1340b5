"""Identifiers that look like AWS's own, the same for the same name and seed. Keys contain EXAMPLE, so that nobody takes one for real."""

from __future__ import annotations

from hashlib import blake2b

_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def number(seed: int, *parts: object) -> int:
    """64 bits out of the seed and a name; independent of the order in which things are made."""
    return int.from_bytes(blake2b(f"{seed}/{'/'.join(map(str, parts))}".encode(), digest_size=8).digest(), "big")


def letters(value: int, count: int) -> str:
    """`count` characters of the alphabet AWS uses in ids."""
    out = []
    for _ in range(count):
        out.append(_BASE32[value & 31])
        value >>= 5
    return "".join(out)


def unique_id(prefix: str, seed: int, name: str) -> str:
    """AIDA…, AROA…, AGPA…, ANPA…: 21 characters."""
    value = number(seed, prefix, name) | number(seed, "more", prefix, name) << 64
    return f"{prefix}EXAMPLE{letters(value, 10)}"


def long_term_key(seed: int, user: str, slot: int) -> str:
    return f"AKIAEXAMPLE{letters(number(seed, 'key', user, slot), 9)}"


def session_key(value: int) -> str:
    """ASIA… of 45 bits."""
    return f"ASIAEXAMPLE{letters(value, 9)}"


def uuid(value: int) -> str:
    """A version 4 UUID of 128 random bits."""
    text = f"{value & ~(0xF << 76) & ~(0x3 << 62) | 0x4 << 76 | 0x2 << 62:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
