"""A wall clock that jumps at a word, for daemons of tests: the monotonic one goes on as always."""

from __future__ import annotations

import pathlib
import shutil
import struct
import subprocess
import sys

DAY = 86400

SOURCE = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile long long *ahead;

__attribute__((constructor)) static void look(void) {
    const char *name = getenv("JUMPING_CLOCK");
    int fd = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) return;
    void *found = mmap(0, sizeof *ahead, PROT_READ, MAP_SHARED, fd, 0);
    if (found != MAP_FAILED) ahead = found;
    close(fd);
}

int clock_gettime(clockid_t which, struct timespec *out) {
    int failed = syscall(SYS_clock_gettime, which, out);
    if (!failed && ahead && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) out->tv_sec += *ahead;
    return failed;
}

time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *out, void *zone) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    out->tv_sec = now.tv_sec;
    out->tv_usec = now.tv_nsec / 1000;
    return 0;
}
"""


class JumpingClock:
    """For processes with this ``environment``, which take their time from the file in ``folder``."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._ahead = folder / "jumping.clock"
        self.jump(0)
        library = folder / "jumping.so"
        source = folder / "jumping.c"
        source.write_text(SOURCE)
        subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
        self.environment = {"LD_PRELOAD": str(library), "JUMPING_CLOCK": str(self._ahead)}

    def jump(self, days: int) -> None:
        """From now on the time is so many days ahead of the real one."""
        with open(self._ahead, "r+b" if self._ahead.exists() else "wb") as file:
            file.write(struct.pack("q", days * DAY))


def jumping_clock(folder: pathlib.Path) -> JumpingClock | None:
    """None where it cannot be made."""
    return JumpingClock(folder) if sys.platform == "linux" and shutil.which("cc") else None
