"""The wheel carries what it needs, and runs outside of the checkout."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_it_carries_themes_stylesheets_and_the_demo(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    shipped = {f"iamtui/themes/{path.name}" for path in (ROOT / "themes").glob("*.toml")}
    assert len(shipped) >= 6
    assert shipped <= set(names)
    assert "iamtui/ui/iamtui.tcss" in names
    assert "iamtui/source/demo/source.py" in names
    assert not any(name.startswith("tests") for name in names)


def test_it_runs_outside_the_checkout(wheel: Path, tmp_path: Path) -> None:
    """In an environment that has this one's libraries but not this checkout."""
    environment = tmp_path / "venv"
    venv.create(environment, with_pip=False)
    site = next(environment.glob("lib/python*/site-packages"))
    zipfile.ZipFile(wheel).extractall(site)
    ours = next(Path(path) for path in sys.path if path.endswith("site-packages"))
    libraries = tmp_path / "libraries"
    libraries.mkdir()
    for entry in ours.iterdir():
        if "iamtui" not in entry.name and entry.suffix != ".pth":
            (libraries / entry.name).symlink_to(entry)
    (site / "libraries.pth").write_text(str(libraries))
    python = environment / "bin/python"

    clean = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}

    def run(*words: str) -> str:
        done = subprocess.run(
            [python, "-m", "iamtui", *words],
            check=True,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=clean,
        )
        return done.stdout

    where = subprocess.run(
        [python, "-c", "import iamtui; print(iamtui.__file__)"], check=True, capture_output=True, text=True, cwd=tmp_path, env=clean
    ).stdout
    assert str(site) in where
    assert run("--version").startswith("iamtui")
    assert "deploy-bot" in run("list", "users", "--demo")
    run("--theme", "iamtui-light", "screenshot", "users", "-o", "users.svg", "--demo")
    assert "deploy" in (tmp_path / "users.svg").read_text()
