"""Identifiers that look like AWS's own, the same for the same name and seed. Keys contain EXAMPLE, so that nobody takes one for real."""

from __future__ import annotations

from binascii import b2a_base64, crc32

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_TO_BASE32 = bytes.maketrans(_BASE64, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" * 2)
_MASK = (1 << 64) - 1


def mixed(value: int) -> int:
    """64 well-stirred bits of a number (the splitmix64 finish)."""
    value = (value + 0x9E3779B97F4A7C15) & _MASK
    value = ((value ^ value >> 30) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ value >> 27) * 0x94D049BB133111EB) & _MASK
    return value ^ value >> 31


def number(seed: int, *parts: object) -> int:
    """64 bits out of the seed and a name; independent of the order in which things are made."""
    return mixed(crc32("/".join(map(str, parts)).encode()) ^ mixed(seed))


def letters(value: int, count: int) -> str:
    """Up to 10 characters of the alphabet AWS uses in ids, out of 64 bits."""
    return b2a_base64(value.to_bytes(8, "big")).translate(_TO_BASE32)[:count].decode()


def unique_id(prefix: str, seed: int, name: str) -> str:
    """AIDA…, AROA…, AGPA…, ANPA…: 21 characters."""
    return f"{prefix}EXAMPLE{letters(number(seed, prefix, name), 10)}"


def long_term_key(seed: int, user: str, slot: int) -> str:
    """AKIA…: 20 characters."""
    return f"AKIAEXAMPLE{letters(number(seed, 'key', user, slot), 9)}"


def session_key(value: int) -> str:
    """ASIA… of 64 random bits."""
    return f"ASIAEXAMPLE{letters(value, 9)}"


def uuid(value: int) -> str:
    """A version 4 UUID of 128 random bits."""
    text = f"{value & ~(0xF << 76) & ~(0x3 << 62) | 0x4 << 76 | 0x2 << 62:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
