"""The demo account: a synthetic organisation account, generated on the spot and told through the same decoder as evidence."""

from .source import DemoSource

__all__ = ["DemoSource"]
