"""Machines as they are set up around the world: their time zone and their language."""

import contextlib
import os
import time
from collections.abc import Iterator

ZONES = ("UTC", "Pacific/Kiritimati", "America/Los_Angeles")  # between the last two lie 25 hours
CHANGE_DAYS = ("2025-03-30", "2025-10-26")

ASCII = {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}  # Python then thinks in ASCII
MACHINES = {
    "kiritimati_ascii": {"TZ": "Pacific/Kiritimati", **ASCII},
    "los_angeles": {"TZ": "America/Los_Angeles", "LANG": "C"},
    "los_angeles_turkish": {"TZ": "America/Los_Angeles", "LC_ALL": "tr_TR.UTF-8"},  # installed or not
    "kiritimati_no_such_language": {"TZ": "Pacific/Kiritimati", "LC_ALL": "none", "PYTHONUTF8": "0"},
}


@contextlib.contextmanager
def in_zone(name: str) -> Iterator[None]:
    """This process on a machine of that zone, as far as the C library knows."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = name
    time.tzset()
    try:
        yield
    finally:
        os.environ.pop("TZ")
        os.environ.update({} if before is None else {"TZ": before})
        time.tzset()
