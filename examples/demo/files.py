"""The work of the demo: what there is to know about a file."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Facts:
    """Size in bytes, line count and SHA-256 of one file."""

    path: str  # relative to the root, the name the message carries
    size: int
    lines: int
    sha256: str


def names(root: Path) -> list[str]:
    """Every regular file below root, relative, sorted; symbolic links are left out."""
    found = []
    for directory, _, files in os.walk(root):
        for file in files:
            path = Path(directory, file)
            if path.is_file() and not path.is_symlink():
                found.append(str(path.relative_to(root)))
    return sorted(found)


def measure(root: Path, name: str) -> Facts:
    """Reads one file and computes its facts."""
    content = (root / name).read_bytes()
    return Facts(name, len(content), content.count(b"\n"), hashlib.sha256(content).hexdigest())
