# The handler of index.js, for Hearth's python runtime.
import asyncio


async def handler(event):
    ms = (event or {}).get('sleepMs', 50)
    await asyncio.sleep(ms / 1000)
    return {'sleptMs': ms}
