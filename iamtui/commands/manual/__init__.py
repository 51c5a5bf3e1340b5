"""The manual: pages of commands, topics, and the same as man pages. Text and examples stand in `pages.toml` and `topics/`."""

from .pages import Example, Page, examples, format_about, format_sections, page_of, pages
from .roff import man_page, man_pages
from .topics import TOPICS, topic

__all__ = [
    "TOPICS",
    "Example",
    "Page",
    "examples",
    "format_about",
    "format_sections",
    "man_page",
    "man_pages",
    "page_of",
    "pages",
    "topic",
]
