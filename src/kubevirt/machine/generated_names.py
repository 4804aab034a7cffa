"""Names that look as if the API server had generated them, and yet follow from what they are for.

Whoever makes an object under such a name makes it once: the API server itself refuses a second one, however outdated
the cache of the one who asks.
"""

from __future__ import annotations

import hashlib

_LETTERS = "bcdfghjklmnpqrstvwxz2456789"  # Kubernetes' own choice for generated names: no vowels, no look-alikes
_SUFFIX = 5
POD_NAME_AT_MOST = 63


def generated(base: str, *, made_of: str, at_most: int = POD_NAME_AT_MOST) -> str:
    """`base`, shortened if need be, and a suffix that is the same for the same `made_of`."""
    digest = int.from_bytes(hashlib.sha256(made_of.encode()).digest()[:8])
    suffix = ""
    for _ in range(_SUFFIX):
        digest, letter = divmod(digest, len(_LETTERS))
        suffix += _LETTERS[letter]
    return base[:at_most - _SUFFIX] + suffix
