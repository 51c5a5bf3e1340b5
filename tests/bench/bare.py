"""The floor: a bare Textual app that shows one label."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widgets import Label


class Bare(App[None]):
    def compose(self) -> ComposeResult:
        yield Label("bare and ready")


if __name__ == "__main__":
    Bare().run()
