"""How Hypothesis works in all tests: the same examples in every run, and a slow machine is not a fault.

HYPOTHESIS_PROFILE=searching looks for new examples instead; what it finds is printed so that it can be replayed.
"""

import os

from hypothesis import settings

settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.register_profile("searching", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))
