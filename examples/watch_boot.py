"""Show a guest's boot: run `virtctl console` on a pseudo-terminal, copy what it shows, log in, say `uname -a`,
leave."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time

LIMIT_S = 120.0
STEPS = (
    # what the guest shows, and what is typed then
    (b"login: ", b"cirros\n"),
    (b"assword: ", b"gocubsgo\n"),
    (b"$ ", b"uname -a\n"),
    (b"$ ", b"\x1d"),
)


def main() -> int:
    """Run the command given as arguments; exit code 1 when the guest does not get to its prompt in time."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(sys.argv[1:], stdin=follower, stdout=follower, stderr=follower)
    os.close(follower)
    deadline = time.monotonic() + LIMIT_S
    seen, steps, nudged = b"", list(STEPS), False
    while steps and time.monotonic() < deadline:
        ready, _, _ = select.select([leader], [], [], 1)
        if not ready:
            if not nudged:  # the prompt may have been shown before we came
                os.write(leader, b"\n")
                nudged = True
            continue
        data = os.read(leader, 4096)
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        seen += data
        awaited, answer = steps[0]
        if awaited in seen:
            seen = b""
            steps.pop(0)
            os.write(leader, answer)
    process.wait(timeout=20)
    print()
    if steps:
        print(f"the guest did not show {steps[0][0]!r} within {LIMIT_S:.0f} s", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
