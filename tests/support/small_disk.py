"""A disk of a few megabytes that only the commands of a test see: a tmpfs in a mount namespace of its own.

A process keeps the namespace; the disk is gone when it ends, whatever becomes of the test.
"""

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

PAGE = 4096  # bytes, the grain of a tmpfs
BYTES, FILES = 8 << 20, 1500
MOUNT = f'mount -t tmpfs -o size={BYTES},nr_inodes={FILES},mode=755 tmpfs "$0" && echo mounted && exec cat'

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class SmallDisk:
    """`path` is the disk for the commands that enter; `seen` is the same folder for the test."""

    keeper: int
    path: Path

    @property
    def seen(self) -> Path:
        return Path(f"/proc/{self.keeper}/root{self.path}")

    def enter(self) -> None:
        """For a child process (after fork, or preexec_fn)."""
        here = os.getcwd()
        for kind in ("user", "mnt"):
            ours, theirs = f"/proc/self/ns/{kind}", f"/proc/{self.keeper}/ns/{kind}"
            if os.readlink(ours) != os.readlink(theirs):
                with open(theirs, "rb") as namespace:
                    if _libc.setns(namespace.fileno(), 0):
                        raise OSError(ctypes.get_errno(), "setns")
        os.chdir(here)

    @contextmanager
    def nearly_full(self, pages: int | None = None, files: int | None = None) -> Iterator[None]:
        """Only so many pages, or so many new files, are left during the block."""
        filler = self.seen / ".filler"
        filler.mkdir()
        (filler / "pages").touch()
        try:
            room = os.statvfs(self.seen)
            if pages is not None and room.f_bavail > pages:
                with (filler / "pages").open("wb") as stream:
                    os.posix_fallocate(stream.fileno(), 0, (room.f_bavail - pages) * room.f_frsize)
            for number in range(room.f_favail - files if files is not None else 0):
                (filler / str(number)).touch()
            yield
        finally:
            shutil.rmtree(filler)


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallDisk]:
    """An empty small disk; skips where this machine lets nobody mount one."""
    path = tmp_path_factory.mktemp("disk")
    for unshare in (["unshare", "-m"], ["unshare", "-rm"]):  # as root, else as the root of a namespace
        try:
            keeper = subprocess.Popen(
                [*unshare, "--propagation", "private", "sh", "-c", MOUNT, str(path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        except FileNotFoundError:
            break
        assert keeper.stdout is not None
        if keeper.stdout.readline() == b"mounted\n":
            yield SmallDisk(keeper.pid, path)
            keeper.kill()
            keeper.wait()
            return
        keeper.wait()
    pytest.skip("no small disk can be mounted here (unshare -m, unshare -rm)")
