"""SSH keys in guests whose agent has no commands for them: a shell of the guest writes the file.

It does so as the user that the keys are for, not as root: whatever links the user has put in the way of the file, they
lead nowhere that the user could not write anyhow. The new file takes the place of the old one at once, so that nobody
is locked out by half a file. Loaded by the launchers that meet such a guest.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from kubevirt.kit.errors import Problem
from kubevirt.virt_launcher import guest_programs

if TYPE_CHECKING:
    from kubevirt.virt_launcher.agent_channel import AgentChannel

WITHIN_S = 30.0
FILE = ".ssh/authorized_keys"
SCRIPT = f"""set -e
umask 077
cd
mkdir -p .ssh
cat > {FILE}.new
mv -f {FILE}.new {FILE}
restorecon -R .ssh 2>/dev/null || :
"""
"""The last line is for guests with SELinux, whose ssh server reads only what is labelled as its own."""
TELL_AT_MOST = 300


async def set_keys(channel: AgentChannel, user: str, keys: list[str]) -> None:
    """The keys are all that the user has afterwards. Raises Problem."""
    file = "".join(f"{key}\n" for key in keys).encode()
    try:
        async with asyncio.timeout(WITHIN_S):
            ended = await guest_programs.run(channel, "su", ["-s", "/bin/sh", "-c", SCRIPT, "--", user], given=file)
    except TimeoutError as error:
        raise _failed(user, f"the guest did not write them within {WITHIN_S:g} s") from error
    if ended.code:
        said = " ".join(ended.printed.decode(errors="replace").split())
        raise _failed(user, said[:TELL_AT_MOST] or f"its shell ended with code {ended.code}")


def _failed(user: str, why: str) -> Problem:
    return Problem(
        cause=f"the keys of user {user!r} could not be written in the guest: {why}",
        remedy="see that the user exists in the guest and has a home directory that it may write to",
    )
