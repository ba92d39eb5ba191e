"""What a process that answers requests tells Python's garbage collector, once everything is loaded.

The law, the communes and the models of requests live as long as the process, some hundred thousand objects; and a
request makes a few hundred that reference counts free at once. Left alone the collector looks for cycles among all
of them every few requests, and finds none: a fifth of the time that issuing takes.
"""

import gc
from typing import Final

YOUNG_OBJECTS: Final = 50_000
"""So many containers more than were freed, and the collector looks through the young ones: cycles that errors leave."""


def settle() -> None:
    """Set aside what is loaded as lasting, and let the collector look at the rest less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 10, 10)
