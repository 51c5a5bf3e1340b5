"""Bundles: what was read, as one file that another machine can open. Raw answers, a manifest with hashes, no secrets."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from .. import __version__
from ..model.document import Document, Gap, Kind
from .files import private_file

FORMAT = "iamtui-bundle"
VERSION = 1


def write_bundle(path: Path, documents: Iterable[Document], gaps: Iterable[Gap], *, source: str, created: datetime) -> int:
    """Write a bundle to `path` (private, whole or not at all); answers the number of documents. Bodies must hold no secrets.

    A zip of `manifest.json` and `documents/NNNN.json|csv`. The same documents and date make the same bytes.
    """
    listed: list[dict[str, Any]] = []
    stamp = (created.year, created.month, created.day, created.hour, created.minute, created.second)
    with private_file(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for number, document in enumerate(documents):
            name = f"documents/{number:05d}.{'csv' if document.kind is Kind.CREDENTIAL_REPORT else 'json'}"
            archive.writestr(_entry(name, stamp), document.body)
            listed.append(
                {
                    "path": name,
                    "kind": document.kind.value,
                    "account": document.account,
                    "key": document.key,
                    "region": document.region,
                    "part": document.part,
                    "complete": document.complete,
                    "as_of": document.as_of,
                    "origin": document.origin.name,
                    "sha256": hashlib.sha256(document.body).hexdigest(),
                    "bytes": len(document.body),
                }
            )
        manifest = {
            "format": FORMAT,
            "version": VERSION,
            "tool_version": __version__,
            "created": created,
            "source": source,
            "documents": listed,
            "gaps": [msgspec.to_builtins(gap) for gap in gaps],
        }
        archive.writestr(_entry("manifest.json", stamp), msgspec.json.format(msgspec.json.encode(_sound(manifest)), indent=1))
    return len(listed)


def _sound(value: Any) -> Any:
    """The same with half surrogate pairs replaced: paths whose bytes are no UTF-8 hold them, and JSON cannot."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {key: _sound(entry) for key, entry in value.items()}
    return [_sound(entry) for entry in value] if isinstance(value, list) else value


def _entry(name: str, stamp: tuple[int, int, int, int, int, int]) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, stamp)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o600 << 16
    return entry
