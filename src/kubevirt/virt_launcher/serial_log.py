"""The file that the serial console is logged to, kept small.

QEMU itself appends to it. A guest that prints without end would fill the node's disk, so beyond a limit the file is
emptied; whoever follows it (`tail -F`, the container `guest-console-log`) has read it by then.
"""

import asyncio
import os
from pathlib import Path

from kubevirt.kit import logs

log = logs.get("serial-log")

LIMIT_BYTES = 4 * 1024 * 1024
EVERY_S = 15.0


async def keep_small(path: Path) -> None:
    """Until cancelled."""
    while True:
        await asyncio.sleep(EVERY_S)
        try:
            if path.stat().st_size > LIMIT_BYTES:
                os.truncate(path, 0)
                log.info("serial log emptied", limit_bytes=LIMIT_BYTES)
        except FileNotFoundError:
            continue
