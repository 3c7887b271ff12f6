"""How the page tells on how many items, and in how many clusters, a number stands."""

from collections.abc import Mapping
from typing import Any

from seodang.pipeline.report.wording import items_column

CLUSTERS = "n, the number of items, with that of their clusters in brackets where some share one"


def counted(row: Mapping[str, Any]) -> str:
    """60 items are "n = 60", and in 12 clusters "n = 60 (12)"."""
    return f"n = {items_column([row])[1][0]}"
