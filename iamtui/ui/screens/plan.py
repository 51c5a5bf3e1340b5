"""The cleanup plan as text: one form after the other, to copy or to write to a file. Nothing is run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.binding import BindingType
from textual.widgets import Static

from ...errors import IamtuiError
from ...model.cleanup import Plan
from ...session.cleanup import FORMS, counts, plan_text, write_plan
from ...text import visible
from ..keymap import bindings
from ..render.documents import Line
from ..widgets.textpane import TextPane
from .asking import PromptEntered, PromptLeft, PromptTyped
from .pages import TextPage

if TYPE_CHECKING:
    from ..app import IamtuiApp
    from .prompt import Prompt

SHOWN = FORMS[:-1]
_NAMES = {"cli": "AWS CLI", "terraform": "Terraform", "cloudformation": "CloudFormation", "markdown": "Markdown"}
_ENDINGS = {"cli": "sh", "terraform": "tf", "cloudformation": "yaml", "markdown": "md"}
_MOST_WRAPPED = 5_000
"""Lines above which they are cut instead of wrapped: wrapping looks at every one of them."""


class PlanPage(TextPage):
    """`t` is the next form (and account), `y` copies, `e` writes to a file."""

    app: IamtuiApp
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("page"), *bindings("plan")]

    def __init__(self, plans: tuple[Plan, ...]) -> None:
        """Writes all texts, which takes a moment for hundreds of decisions: made in a worker."""
        self._readings = [(plan, form) for plan in plans for form in SHOWN]
        self._bodies = [_written(plan, form) for plan, form in self._readings]
        self._drawn = [[_line(words) for words in body.splitlines()] for body in self._bodies]
        self._place = 0
        self._prompt: Prompt | None = None
        super().__init__("Cleanup plan", self._drawn[0])

    def on_mount(self) -> None:
        self.query_one(TextPane).wrap = len(self._lines) <= _MOST_WRAPPED
        super().on_mount()
        self._head()

    @property
    def body(self) -> str:
        """The text as it is copied and written."""
        return self._bodies[self._place]

    def _head(self) -> None:
        plan, form = self._readings[self._place]
        title = f"Cleanup plan of {plan.account}, {_NAMES[form]}: {counts(plan)}"
        self.query_one("#page-title", Static).update(Text(visible(title), "bold", no_wrap=True, overflow="ellipsis"))
        self._hint("")

    def _hint(self, words: str) -> None:
        keys = (("t", "next form"), ("y", "copy"), ("e", "write to a file"), ("esc", "back"))
        said = (f" {visible(words)}  ", "dim") if words else ("", "")
        hints = Text.assemble(said, *[part for key, told in keys for part in ((f" {key} ", "bold"), told)])
        hints.no_wrap, hints.overflow = True, "ellipsis"
        self.query_one("#page-hints", Static).update(hints)

    def action_form(self) -> None:
        self._place = (self._place + 1) % len(self._readings)
        self._lines = self._drawn[self._place]
        pane = self.query_one(TextPane)
        pane.wrap = len(self._lines) <= _MOST_WRAPPED
        pane.set_lines(self._lines)
        self._head()

    def action_copy(self) -> None:
        self._hint(self.app.copy(self.body))

    async def action_save(self) -> None:
        from .prompt import Prompt

        if self._prompt is None:
            self._prompt = Prompt()
            await self.mount(self._prompt, before="#page-hints")
        plan, form = self._readings[self._place]
        self._prompt.open("save", "write to: ", f"./iamtui-plan-{plan.account}.{_ENDINGS[form]}")

    def on_prompt_typed(self, message: PromptTyped) -> None:
        message.stop()

    def on_prompt_left(self, message: PromptLeft) -> None:
        message.stop()
        self._close_prompt()

    def on_prompt_entered(self, message: PromptEntered) -> None:
        message.stop()
        self._close_prompt()
        if message.text.strip():
            self.run_worker(self._save(Path(message.text.strip()).expanduser()), group="export", exclusive=True, exit_on_error=False)

    async def _save(self, path: Path) -> None:
        try:
            await write_plan(path, self.body)
        except OSError as error:
            self._hint(f"{path} could not be written: {error.strerror or error}")
            return
        self._hint(f"Wrote {path}" + (f": sh {path} looks first and changes nothing" if self._readings[self._place][1] == "cli" else ""))

    def _close_prompt(self) -> None:
        if self._prompt is not None:
            self._prompt.close()
        self.query_one(TextPane).focus()


def _written(plan: Plan, form: str) -> str:
    try:
        return plan_text(plan, form)
    except IamtuiError as error:
        return f"# {error.message}\n# {error.hint}\n"


def _line(words: str) -> Line:
    style = "heading" if words.startswith(("# ==", "## ")) else "state-absent" if words.lstrip().startswith("#") else ""
    return [(visible(words), style)]
