"""Shell completion: click's own mechanism, with scripts in which a name of an account is never more than a word.

Click's scripts for bash and fish leave answers to the shell's splitting and globbing, and what bash inserts it inserts as it stands. Here
every line is one answer, what a terminal or a shell would obey is never offered, and for bash the rest is quoted.
"""

from __future__ import annotations

import os
import shlex
from typing import Any

from click.shell_completion import CompletionItem, FishComplete, ShellComplete, ZshComplete, add_completion_class, split_arg_string

from ..text import visible

_BASH = """\
%(complete_func)s() {
    local line type value
    COMPREPLY=()
    while IFS= read -r line; do
        type="${line%%%%,*}"
        value="${line#*,}"
        case "$type" in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("$value") ;;
        esac
    done < <(COMP_TEXT="${COMP_LINE:0:COMP_POINT}" COMP_BREAKS="$COMP_WORDBREAKS" %(complete_var)s=bash_complete "$1" 2>/dev/null)
}
complete -o nosort -F %(complete_func)s %(prog_name)s 2>/dev/null || complete -F %(complete_func)s %(prog_name)s
"""

_FISH = """\
function %(complete_func)s
    for line in (env %(complete_var)s=fish_complete COMP_WORDS=(commandline -cp | string collect) COMP_CWORD=(commandline -t | string collect) %(prog_name)s 2>/dev/null)
        set -l metadata (string split -m 1 "," -- $line)
        switch $metadata[1]
            case dir
                __fish_complete_directories $metadata[2]
            case file
                __fish_complete_path $metadata[2]
            case plain
                printf '%%s\\n' $metadata[2]
        end
    end
end
complete --no-files --command %(prog_name)s --arguments "(%(complete_func)s)"
"""


class _Offering(ShellComplete):
    """What click knows, then what lies on this disk. A completion never fails and never says anything."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[str]]:
        from .offering import offered

        try:
            found = offered(self.cli, self.prog_name, args, incomplete)
        except Exception:
            return []
        return [item for item in found if item.type != "plain" or (item.value and visible(item.value) == item.value)]


class BashCompletion(_Offering):
    """Bash. The line is told apart here, because bash would split words at `:` and `=`."""

    name = "bash"
    source_template = _BASH
    _open = ""
    _typed = ""

    def get_completion_args(self) -> tuple[list[str], str]:
        text = os.environ.get("COMP_TEXT", "")
        words = split_arg_string(text)
        args = words[1:]
        self._open = _open_quote(text)
        incomplete = args.pop() if args and (self._open or not text[-1:].isspace() or text.endswith("\\ ")) else ""
        self._typed = incomplete
        return args, incomplete

    def format_completion(self, item: CompletionItem[Any]) -> str:
        value = str(item.value)
        if item.type != "plain":
            return f"{item.type},{value}"
        if self._open:
            obeyed = "'" if self._open == "'" else '"$`\\!'
            return "" if any(character in value for character in obeyed) else f"plain,{value}"
        breaks = [c for c in ":=" if c in os.environ.get("COMP_BREAKS", ":=")]
        start = max((self._typed.rfind(c) + 1 for c in breaks), default=0)
        if not value.startswith(self._typed[:start]):
            return ""
        return f"plain,{shlex.quote(value[start:])}" if value[start:] else ""


class ZshCompletion(_Offering, ZshComplete):
    """Zsh, whose `compadd` quotes what it inserts."""

    def format_completion(self, item: CompletionItem[str]) -> str:
        return ZshComplete.format_completion(self, CompletionItem(item.value, item.type, visible(item.help) if item.help else None))


class FishCompletion(_Offering, FishComplete):
    """Fish, which quotes what it inserts."""

    source_template = _FISH


def _open_quote(text: str) -> str:
    """The quotation mark that is still open at the end of a line, "" when none is."""
    mark, place = "", 0
    while place < len(text):
        character = text[place]
        if character == "\\" and mark != "'":
            place += 1
        elif mark:
            mark = "" if character == mark else mark
        elif character in "'\"":
            mark = character
        place += 1
    return mark


def shells() -> dict[str, type[ShellComplete]]:
    return {"bash": BashCompletion, "zsh": ZshCompletion, "fish": FishCompletion}


def register() -> None:
    """Put our classes in the place of click's. Called when a shell asks, and by nobody else."""
    for one in shells().values():
        add_completion_class(one)
