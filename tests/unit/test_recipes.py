"""Recipes of `iamtui help recipes`, run as they stand by a real bash with a real jq.

`iamtui` on their PATH hands its words to this process, where the demo account is open already; what comes back is output and exit code.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from iamtui.commands.manual import topic
from tests.support.running import desk, one_demo, own_folders, run

JQ = shutil.which("jq")
_CLIENT = """\
#!{python} -SE
import json, socket, sys
line = socket.socket(socket.AF_UNIX)
line.connect({place!r})
line.sendall(json.dumps({{"words": sys.argv[1:], "stdin": sys.stdin.read() if "-" in sys.argv else ""}}).encode() + b"\\n")
answer = json.loads(line.makefile().readline())
sys.stderr.write(answer["err"])
try:
    sys.stdout.write(answer["out"])
    sys.stdout.flush()
except BrokenPipeError:
    sys.stdout = open("/dev/null", "w")
sys.exit(answer["code"])
"""


class _Asked(msgspec.Struct):
    words: list[str] = []
    stdin: str = ""


def recipes() -> list[tuple[str, str, int]]:
    """(title, lines, exit code) of every recipe: blocks that begin with a comment."""
    found = []
    for block in topic("recipes").split("\n\n")[1:]:
        title, _, text = block.strip().partition("\n")
        assert title.startswith("# "), title
        code = int(text.rpartition("# exit ")[2]) if "# exit " in text else 0
        found.append((title[2:], text, code))
    return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("desk")
        own_folders(patch, folder)
        one_demo(patch)
        patch.chdir(folder)
        desk(folder)
        (folder / "bin").mkdir()
        for name, text in (
            ("iamtui", _CLIENT.format(python=sys.executable, place=str(folder / "s"))),
            ("mail", "#!/bin/sh\ncat > mailed\n"),
        ):
            (folder / "bin" / name).write_text(text)
            (folder / "bin" / name).chmod(0o755)
        yield folder


def shell(place: Path, text: str) -> subprocess.CompletedProcess[str]:
    """What bash makes of it. Commands are answered here, in the main thread, because some of them take signals."""
    (place / "s").unlink(missing_ok=True)
    done: list[subprocess.CompletedProcess[str]] = []
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(place / "s"))
        server.listen()

        def bash() -> None:
            env = {**os.environ, "PATH": f"{place / 'bin'}:{os.environ['PATH']}"}
            done.append(subprocess.run(["bash", "--norc", "-c", text], capture_output=True, text=True, cwd=place, env=env))
            with socket.socket(socket.AF_UNIX) as end:
                end.connect(str(place / "s"))

        running = threading.Thread(target=bash)
        running.start()
        while True:
            line, _ = server.accept()
            with line, line.makefile("rwb") as file:
                asked = file.readline()
                if not asked:
                    break
                said = msgspec.json.decode(asked, type=_Asked)
                result = run(*said.words, stdin=said.stdin)
                answer = {"out": result.stdout, "err": result.stderr, "code": result.exit_code}
                try:
                    file.write(msgspec.json.encode(answer) + b"\n")
                    file.flush()
                except BrokenPipeError:
                    continue
        running.join()
    return done[0]


@pytest.mark.skipif(JQ is None, reason="jq is not on the PATH")
@pytest.mark.parametrize(("title", "text", "code"), recipes(), ids=[title for title, *_ in recipes()])
def test_a_recipe_answers_and_ends_as_it_says(place: Path, title: str, text: str, code: int) -> None:
    done = shell(place, text)
    assert done.returncode == code, done.stderr
    assert "jq: error" not in done.stderr
    assert done.stdout.strip() or "--fail" in text, title
    assert "null" not in done.stdout  # a key that is not there


def test_recipes_leave_the_account_they_are_for_open() -> None:
    assert len(recipes()) >= 10
    assert all("--demo" in text or ".json" in text for _, text, _ in recipes())


README = (Path(__file__).parents[2] / "README.md").read_text()
IN_README = README.partition("### Recipes")[2].partition("```\n")[2].partition("```")[0].splitlines()


@pytest.mark.skipif(JQ is None, reason="jq is not on the PATH")
@pytest.mark.parametrize("line", IN_README)
def test_a_recipe_of_the_readme_works_on_the_demo_account(place: Path, line: str) -> None:
    done = shell(place, line.replace(" --format", " --demo --format") + ("; cat diff.md" if "diff.md" in line else ""))
    assert done.returncode == 0, done.stderr
    assert "jq: error" not in done.stderr
    assert done.stdout.strip()
    assert "null" not in done.stdout
