"""``dms view``: the running service's numbers in a terminal, without stopping it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from dms.service.view import SOCKET, watch


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's options."""
    parser.add_argument("--socket", type=Path, default=SOCKET, help=f"default {SOCKET}")
    parser.add_argument("--json", action="store_true", help="JSON, one object a line")
    parser.add_argument("--once", action="store_true", help="show one instant and end")


def run(args: argparse.Namespace) -> int:
    """Show until interrupted."""
    for seen in watch(args.socket):
        print(json.dumps(seen) if args.json else _line(seen), flush=True)
        if args.once:
            break
    return 0


def _line(seen: dict[str, Any]) -> str:
    pose = seen["pose_deg"]
    parts = [
        f"{seen['fps']:5.1f} fps",
        f"level {seen['level']} {seen['kind'] or 'none':12}",
        f"eyes {seen['eyes']:7} {_percent(seen['openness'])}",
        f"perclos {_percent(seen['perclos'])}",
        f"drowsiness {seen['drowsiness'] or '-'}",
        f"yaw {pose[0]:+6.1f} pitch {pose[1]:+6.1f}" if pose else f"unseen: {seen['unseen']}",
        f"rage {_percent(seen['rage'])}",
        f"learned {_percent(seen['baseline_progress'])}",
    ]
    return "  ".join(parts) + (f"  {seen['status']}" if "degraded" in seen["status"] else "")


def _percent(value: float | None) -> str:
    return "  -" if value is None else f"{value:4.0%}"
