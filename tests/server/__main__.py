"""`python -m tests.server --users 5000 --roles 5000 --page 100 --delay 0.1 --port 0`: prints its URL and serves until killed."""

from __future__ import annotations

import argparse
import sys
import threading

from .accounts import large_account
from .serving import AwsTestServer


def main() -> None:
    options = argparse.ArgumentParser()
    for name, kind, default in (("users", int, 100), ("roles", int, 100), ("page", int, 100), ("delay", float, 0.0), ("port", int, 0)):
        options.add_argument(f"--{name}", type=kind, default=default)
    given = options.parse_args()
    with AwsTestServer(large_account(given.users, given.roles), page=given.page, delay=given.delay, port=given.port) as server:
        sys.stdout.write(f"serving {server.url}\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    main()
