"""The film that the speed tools play where none is given."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def demo_clip(folder: Path) -> str:
    """Render the demonstration's recording into ``folder``; return its path."""
    words = [sys.executable, "-m", "tools.rendering.clip", str(folder)]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    return str(next(path for path in folder.iterdir() if path.suffix in {".avi", ".mkv", ".mp4"}))
