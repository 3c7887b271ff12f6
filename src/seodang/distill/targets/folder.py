"""What stands in a cache's folder beside its shards, read without any of the heavy libraries."""

from pathlib import Path
from typing import Any

from seodang.core.files import read_json

INDEX = "index.jsonl"
TEACHER = "teacher.json"
CERTIFICATES = "certificate.json"
USES = "uses.jsonl"


def read_teacher(folder: Path) -> dict[str, Any]:
    """Whose distributions a folder holds."""
    return read_json(folder / TEACHER)


def read_certificates(folder: Path) -> list[dict[str, Any]]:
    """The certificates of a cache, one a codec with its settings."""
    return read_json(folder / CERTIFICATES) if (folder / CERTIFICATES).is_file() else []
