"""A warning that all the days of a range or all the steps of a day meet is said once by their command."""

import hashlib
import logging
import mmap
import os


class SaidOnce(logging.Filter):
    """Let each warning through once, whichever process of the command meets it: forks share the memory of `said`.

    It holds digests one after the other; a warning for which there is no room left is said each time.
    """

    SIZE, ROOM = 16, 16 * 4096  # bytes

    def __init__(self) -> None:
        super().__init__()
        self.command, self.said = os.getpid(), mmap.mmap(-1, self.ROOM)

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno != logging.WARNING:
            return True
        digest = hashlib.blake2b(record.getMessage().encode(errors="replace"), digest_size=self.SIZE).digest()
        for place in range(0, self.ROOM, self.SIZE):
            known = self.said[place : place + self.SIZE]
            if known == digest:
                return False
            if not any(known):
                self.said[place : place + self.SIZE] = digest
                break
        return True


def said_by_the_command() -> SaidOnce:
    """Return the filter of the command that this process is a step of, forked off it; else a new one."""
    there = [one for handler in logging.getLogger().handlers for one in handler.filters if isinstance(one, SaidOnce)]
    return there[0] if there and there[0].command != os.getpid() else SaidOnce()
