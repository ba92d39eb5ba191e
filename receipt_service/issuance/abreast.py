"""Requests that are in hand together take each step one after the other, not each request all its steps.

A step that runs for thirty requests in a row finds its code, tables and branches in the processor's nearest caches;
thirty requests that each run through everything evict one another's at every step. That is worth a third of what
issuing costs (docs/adr/0018). A request that comes alone pays a few idle turns of the event loop, microseconds each.
"""

import asyncio


async def others_come_this_far() -> None:
    """Let every other request of this event loop reach its next such point, then go on."""
    await asyncio.sleep(0)
