"""A null-modem cable between two ptys: /run/slcan-dms and /run/slcan-host."""

import os
import pty
import select
import tty
from pathlib import Path

ends = []
for name in ("/run/slcan-dms", "/run/slcan-host"):
    master, slave = pty.openpty()
    tty.setraw(master)
    tty.setraw(slave)
    Path(name).unlink(missing_ok=True)
    Path(os.ttyname(slave)).chmod(0o666)  # the service is not root
    Path(name).symlink_to(os.ttyname(slave))
    ends.append(master)
while True:
    for end in select.select(ends, [], [])[0]:
        data = os.read(end, 4096)
        os.write(ends[1] if end == ends[0] else ends[0], data)
