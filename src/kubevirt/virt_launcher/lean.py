"""Imported before anything else of the launcher: what is kept out of a process that runs once per guest.

asyncio loads ssl when it can. Nothing here speaks TLS, and OpenSSL would be a tenth of this process' memory.
"""

import sys

sys.modules.setdefault("ssl", None)  # type: ignore[arg-type]  # None makes `import ssl` fail, which asyncio expects
