"""Imported before anything else of the launcher and its workshop: what is kept out of what runs once per guest.

The collector rests until everything is loaded: none of that is garbage, and the search for some takes its time.

The modules below are loaded by the standard library and by msgspec when they are there, and done without when they are
not. Nothing here speaks TLS, unpacks archives or needs fast hashes; together they are a tenth of what a launcher would
keep.
"""

import gc
import sys

gc.disable()

for name in ("ssl", "_hashlib", "bz2", "lzma", "typing_extensions"):
    sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # None makes `import` fail, as if it were not there
