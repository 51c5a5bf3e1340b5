"""A bucket on loopback that fails as S3 fails: what moto's bucket never does.

Speaks ListObjectsV2 and GetObject in S3's XML for one bucket, any number of objects, and remembers what it was asked.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.sax.saxutils import escape

Fault = tuple[int, str, str]
"""Status, code and message of a refusal."""


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who asked has gone: that is what is being tested."""


class BucketServer:
    """objects: bodies by key, or a function that makes the body of a key that is in `sizes`

    faults:  refusals by key, or by `list:PREFIX`
    cut:     keys whose body breaks off, and how often
    region:  where the bucket lies; asked from elsewhere it says so
    stalled: keys that are never answered
    """

    def __init__(self, objects: Mapping[str, bytes] | None = None, *, name: str = "trail", region: str = "", page: int = 1000) -> None:
        self.name, self.region, self.page = name, region, page
        self.objects: dict[str, bytes] = dict(objects or {})
        self.made: Callable[[str], bytes] | None = None
        self.sizes: dict[str, int] = {}
        self.written: dict[str, datetime] = {}
        self.faults: dict[str, Fault] = {}
        self.cut: dict[str, int] = {}
        self.stalled: set[str] = set()
        self.lists: list[dict[str, str]] = []
        self.gets: list[str] = []
        self._keys: list[str] = []
        self._ended = threading.Event()

    def __enter__(self) -> BucketServer:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server._answer(self)

            do_HEAD = do_GET

            def log_message(self, *_: Any) -> None:
                pass

        self._server = _Quiet(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    # -- answers -----------------------------------------------------------------------------------------------------

    def _answer(self, asked: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(asked.path)
        bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
        signed = asked.headers.get("Authorization", "")
        region = signed.partition("Credential=")[2].split("/")[2] if "Credential=" in signed else ""
        if bucket != self.name:
            self._refuse(asked, (404, "NoSuchBucket", "The specified bucket does not exist"))
        elif self.region and region != self.region:
            self._refuse(asked, (301, "PermanentRedirect", "another endpoint"), {"x-amz-bucket-region": self.region})
        elif not key:
            self._list(asked, {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()})
        else:
            self._get(asked, key)

    def _list(self, asked: BaseHTTPRequestHandler, query: dict[str, str]) -> None:
        self.lists.append(query)
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        fault = next((self.faults[name] for name in (f"list:{prefix}", "list:*") if name in self.faults), None)
        if fault:
            self._refuse(asked, fault)
            return
        if len(self._keys) != len(self.objects) + len(self.sizes):
            self._keys = sorted([*self.objects, *self.sizes])
        after = query.get("continuation-token") or query.get("start-after", "")
        place = max(bisect_left(self._keys, prefix), bisect_right(self._keys, after) if after else 0)
        entries: list[str] = []
        folders: list[str] = []
        last, more = "", False
        while place < len(self._keys):
            key = self._keys[place]
            if not key.startswith(prefix):
                break
            if len(entries) + len(folders) >= self.page:
                more = True
                break
            cut = key.find(delimiter, len(prefix)) if delimiter else -1
            if cut >= 0:
                folder = key[: cut + 1]
                folders.append(folder)
                last = folder + "\U0010ffff"
                place = bisect_right(self._keys, last)
                continue
            entries.append(key)
            last = key
            place += 1
        body = "".join(
            f"<Contents><Key>{quote(key)}</Key><LastModified>{self._when(key):%Y-%m-%dT%H:%M:%S.000Z}</LastModified>"
            f"<ETag>&quot;{self._etag(key)}&quot;</ETag><Size>{self._size(key)}</Size><StorageClass>STANDARD</StorageClass></Contents>"
            for key in entries
        )
        body += "".join(f"<CommonPrefixes><Prefix>{quote(folder)}</Prefix></CommonPrefixes>" for folder in folders)
        token = f"<NextContinuationToken>{escape(last)}</NextContinuationToken>" if more else ""
        self._send(
            asked,
            200,
            f'<?xml version="1.0"?><ListBucketResult><Name>{self.name}</Name><EncodingType>url</EncodingType>'
            f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{body}</ListBucketResult>".encode(),
        )

    def _get(self, asked: BaseHTTPRequestHandler, key: str) -> None:
        self.gets.append(key)
        if key in self.stalled:
            self._ended.wait(60)
            return
        if key in self.faults:
            self._refuse(asked, self.faults[key])
            return
        if key not in self.objects and key not in self.sizes:
            self._refuse(asked, (404, "NoSuchKey", "The specified key does not exist."))
            return
        body = self.objects[key] if key in self.objects else self.made(key)  # type: ignore[misc]
        if self.cut.get(key, 0) > 0:
            self.cut[key] -= 1
            asked.send_response(200)
            asked.send_header("Content-Length", str(len(body)))
            asked.end_headers()
            asked.wfile.write(body[: len(body) // 2])
            asked.wfile.flush()
            asked.close_connection = True
            return
        self._send(asked, 200, body)

    def _refuse(self, asked: BaseHTTPRequestHandler, fault: Fault, headers: Mapping[str, str] | None = None) -> None:
        status, code, message = fault
        self._send(asked, status, f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>".encode(), headers)

    def _send(self, asked: BaseHTTPRequestHandler, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        asked.send_response(status)
        asked.send_header("Content-Length", str(len(body)))
        asked.send_header("Content-Type", "application/xml")
        for name, value in (headers or {}).items():
            asked.send_header(name, value)
        asked.end_headers()
        if asked.command != "HEAD":
            asked.wfile.write(body)

    def _size(self, key: str) -> int:
        return self.sizes[key] if key in self.sizes else len(self.objects[key])

    def _etag(self, key: str) -> str:
        return md5(self.objects[key], usedforsecurity=False).hexdigest() if key in self.objects else f"{hash(key) & 0xFFFFFFFF:08x}"

    def _when(self, key: str) -> datetime:
        """When an object was written: as its key says, unless told otherwise."""
        if key in self.written:
            return self.written[key]
        parts = key.split("/")
        try:
            return datetime(*(int(part) for part in parts[-4:-1]), 12, tzinfo=UTC)  # type: ignore[arg-type, misc]
        except (ValueError, TypeError):
            return datetime.now(UTC)


def wait_until(true: Callable[[], bool], seconds: float = 10) -> bool:
    """Wait for something another thread does."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.01)
    return False
