"""Disks that only this process sees, mounted over a folder: one that fills up, one that fails while it is in use.

They need Linux and the right to mount. A process that uses them cannot see the folder below any more, and takes them
along when it ends.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

OWN_MOUNTS = 0x00020000  # CLONE_NEWNS
PLENTY = 400_000_000


class NotPermittedError(Exception):
    """This process may not mount."""


def run(*command: str | Path) -> str:
    ended = subprocess.run(list(map(str, command)), check=False, text=True, capture_output=True)
    if ended.returncode:
        raise NotPermittedError(f"{' '.join(map(str, command))}: {ended.stderr.strip()}")
    return ended.stdout.strip()


def see_own_mounts() -> None:
    """What this process mounts from now on is seen by nobody else."""
    if sys.platform != "linux":
        raise NotPermittedError("only Linux has mounts of a process")
    if ctypes.CDLL(None, use_errno=True).unshare(OWN_MOUNTS):
        raise NotPermittedError(os.strerror(ctypes.get_errno()))
    run("mount", "--make-rprivate", "/")


def why_not_full(folder: Path) -> str:
    """Why a disk that fills up cannot be mounted here; empty if it can."""
    try:
        see_own_mounts()
        with small_disk(folder):
            return ""
    except (NotPermittedError, OSError) as error:
        return str(error)


def why_not_failing(folder: Path) -> str:
    """Why a disk that fails cannot be mounted here; empty if it can."""
    try:
        see_own_mounts()
        with failing_disk(folder) as disk:
            disk.fail()
            return ""
    except (NotPermittedError, OSError) as error:
        return str(error)


@dataclass(frozen=True)
class SmallDisk:
    """A disk in memory."""

    folder: Path

    def leave(self, room: int) -> None:
        """So many bytes are left from now on."""
        found = os.statvfs(self.folder)
        used = (found.f_blocks - found.f_bfree) * found.f_frsize
        run("mount", "-o", f"remount,size={used + room}", self.folder)

    def protect(self) -> None:
        """Nobody can write to it any more. Nothing may be open for writing."""
        run("mount", "-o", "remount,ro", self.folder)


@contextmanager
def small_disk(folder: Path) -> Iterator[SmallDisk]:
    folder.mkdir(parents=True, exist_ok=True)
    run("mount", "-t", "tmpfs", "-o", f"size={PLENTY}", "none", folder)
    yield SmallDisk(folder)
    run("umount", folder)


@dataclass(frozen=True)
class FailingDisk:
    """A file system in a file. After an error nothing can be written to it, whatever is open, until it is repaired."""

    folder: Path
    image: Path

    def mount(self) -> None:
        run("mount", "-o", "loop,errors=remount-ro", self.image, self.folder)

    def fail(self) -> None:
        """As if the device had returned an error, and nothing of what was written before were lost."""
        os.sync()
        device = Path(run("findmnt", "-no", "SOURCE", self.folder)).name
        Path(f"/sys/fs/ext4/{device}/trigger_fs_error").write_text("1", encoding="ascii")

    def repair(self) -> None:
        run("umount", self.folder)
        subprocess.run(["e2fsck", "-fy", str(self.image)], check=False, capture_output=True)
        self.mount()


@contextmanager
def failing_disk(folder: Path) -> Iterator[FailingDisk]:
    folder.mkdir(parents=True, exist_ok=True)
    image = folder.with_suffix(".image")
    with image.open("wb") as file:
        file.truncate(100_000_000)
    run("mkfs.ext4", "-q", "-O", "^has_journal", image)
    disk = FailingDisk(folder, image)
    disk.mount()
    yield disk
    run("umount", folder)
