async def push_all(r): pass
