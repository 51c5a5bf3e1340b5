"""What a query at AWS costs, as an estimate in words. List prices of US East (N. Virginia); other Regions and contracts differ."""

from __future__ import annotations

ATHENA_PRICE = "5 USD per TB scanned, 10 MB at least (list price, US East)"
LAKE_PRICE = "0.005 USD per GB scanned (list price, US East)"
_MB, _GB, _TB = 1 << 20, 1 << 30, 1 << 40


def size_words(count: int) -> str:
    """`1.2 GB`; units of 1,024."""
    for unit, size in (("TB", _TB), ("GB", _GB), ("MB", _MB), ("KB", 1 << 10)):
        if count >= size:
            value = count / size
            return f"{value:.1f} {unit}" if value < 100 else f"{value:,.0f} {unit}"
    return f"{count} bytes"


def athena_usd(scanned: int) -> float:
    """Scanned bytes go up to the next MB; a query counts for ten."""
    return max(-(-scanned // _MB), 10) * 5 * _MB / _TB


def lake_usd(scanned: int) -> float:
    return scanned * 0.005 / _GB


def usd_words(amount: float) -> str:
    return f"about {amount:,.2f} USD" if amount >= 0.01 else "under 0.01 USD"
