"""How long to wait before the next attempt: doubling up to a limit, with jitter so that many do not keep step."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Backoff:
    """Waits in seconds. `next()` grows until `reset()`; each is spread by up to `jitter` of itself, upwards."""

    start_s: float
    limit_s: float
    jitter: float = 0.5
    chance: Callable[[], float] = field(default=random.random)
    failures: int = 0

    def next(self) -> float:
        # The exponent is bounded: 2.0 ** 1024 would overflow after a long outage.
        wait = min(self.limit_s, self.start_s * 2.0 ** min(self.failures, 64))
        self.failures += 1
        return wait * (1.0 + self.jitter * self.chance())

    def reset(self) -> None:
        self.failures = 0
