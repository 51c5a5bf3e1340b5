"""A program in a pseudo-terminal: what it shows, and every byte it wrote."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping, Sequence

import pyte

KEYS = {
    "down": "\x1b[B",
    "up": "\x1b[A",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "pagedown": "\x1b[6~",
    "pageup": "\x1b[5~",
    "home": "\x1b[H",
    "end": "\x1b[F",
    "enter": "\r",
    "escape": "\x1b",
    "tab": "\t",
    "space": " ",
    "ctrl+p": "\x10",
    "ctrl+c": "\x03",
    "ctrl+q": "\x11",
    "backspace": "\x7f",
}


class NeverShownError(AssertionError):
    """The screen never showed what was waited for."""


class Terminal:
    """Run `command` in a pty of `cols` x `rows`. Use as a context manager: the child is killed and reaped at the end."""

    def __init__(
        self, command: Sequence[str], cols: int = 80, rows: int = 24, env: Mapping[str, str] | None = None, cwd: str | None = None
    ) -> None:
        self.command, self.cols, self.rows = list(command), cols, rows
        self.env = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **(env or {})}
        self.env.pop("NO_COLOR", None)
        self.cwd = cwd
        self.screen = pyte.Screen(cols, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = bytearray()
        self.exit_code: int | None = None

    def __enter__(self) -> Terminal:
        self.started = time.perf_counter()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                if self.cwd:
                    os.chdir(self.cwd)
                os.execvpe(self.command[0], self.command, self.env)
            finally:
                os._exit(127)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", self.rows, self.cols, 0, 0))
        return self

    def __exit__(self, *_: object) -> None:
        if self.exit_code is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)

    def read(self, wait: float) -> int:
        """Bytes read within `wait` seconds; -1 when the program has closed the terminal."""
        ready, _, _ = select.select([self.fd], [], [], wait)
        if not ready:
            return 0
        try:
            data = os.read(self.fd, 1 << 16)
        except OSError:
            return -1
        if not data:
            return -1
        self.raw += data
        self._stream.feed(data)
        return len(data)

    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.screen.display)

    def until(self, pattern: str, limit: float = 30) -> float:
        """Seconds since the start until `pattern` (a regular expression) is on the screen."""
        wanted, begin = re.compile(pattern), time.perf_counter()
        if wanted.search(self.text()):
            return begin - self.started
        while time.perf_counter() - begin < limit:
            got = self.read(0.02)
            if got and wanted.search(self.text()):
                return time.perf_counter() - self.started
            if got < 0:
                break
        raise NeverShownError(f"never showed {pattern!r}; the screen:\n{self.text()}")

    def press(self, *keys: str, quiet: float = 0.25, limit: float = 10) -> int:
        """Type keys (names of KEYS, or text), wait until nothing was written for `quiet` seconds; bytes written meanwhile."""
        total = 0
        for key in keys:
            os.write(self.fd, KEYS.get(key, key).encode())
            total += self.settle(quiet, limit)
        return total

    def settle(self, quiet: float = 0.25, limit: float = 10) -> int:
        total, begin = 0, time.perf_counter()
        while time.perf_counter() - begin < limit:
            got = self.read(quiet)
            if got <= 0:
                break
            total += got
        return total

    def wait_exit(self, limit: float = 10) -> int:
        """Exit code of the program once it has ended by itself."""
        begin = time.perf_counter()
        while time.perf_counter() - begin < limit:
            self.read(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.exit_code = os.waitstatus_to_exitcode(status)
                return self.exit_code
        raise NeverShownError(f"still running after {limit} s; the screen:\n{self.text()}")
