"""Every call to the operating system that has an effect, as attributes of one object.

Promise: tests swap in a fake by handing over another object. Hot callers bind an attribute once
(``self._read = system.read``), which makes the indirection free. Makes no decision of its own.
"""

from __future__ import annotations

import _posixsubprocess
import errno
import fcntl as descriptors
import grp
import os
import pwd
import resource
import signal as signals

from supervisor.hints import Any

__all__ = ["PIECE", "SHORTAGES", "System"]

# What is read at once where the bytes are looked at. From 128 KiB on malloc takes memory from the kernel for each read
# and gives it back afterwards, which costs more than the read.
PIECE = 127 * 1024
# What calls that make a descriptor fail with while there are none, or no memory.
SHORTAGES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class System:
    """The operating system in use."""

    # Descriptors
    read = staticmethod(os.read)
    readv = staticmethod(os.readv)
    write = staticmethod(os.write)
    open = staticmethod(os.open)
    close = staticmethod(os.close)
    closerange = staticmethod(os.closerange)
    dup = staticmethod(os.dup)
    dup2 = staticmethod(os.dup2)
    pipe = staticmethod(os.pipe)
    lseek = staticmethod(os.lseek)
    ftruncate = staticmethod(os.ftruncate)
    fcntl = staticmethod(descriptors.fcntl)
    flock = staticmethod(descriptors.flock)
    isatty = staticmethod(os.isatty)
    set_blocking = staticmethod(os.set_blocking)
    set_inheritable = staticmethod(os.set_inheritable)
    get_inheritable = staticmethod(os.get_inheritable)

    # Names
    stat = staticmethod(os.stat)
    lstat = staticmethod(os.lstat)
    fstat = staticmethod(os.fstat)
    fchmod = staticmethod(os.fchmod)
    fchown = staticmethod(os.fchown)
    chmod = staticmethod(os.chmod)
    chown = staticmethod(os.chown)
    access = staticmethod(os.access)
    rename = staticmethod(os.rename)
    unlink = staticmethod(os.unlink)
    listdir = staticmethod(os.listdir)
    readlink = staticmethod(os.readlink)

    # This process
    umask = staticmethod(os.umask)
    chdir = staticmethod(os.chdir)
    fchdir = staticmethod(os.fchdir)
    getcwd = staticmethod(os.getcwd)
    getpid = staticmethod(os.getpid)
    getppid = staticmethod(os.getppid)
    getuid = staticmethod(os.getuid)
    geteuid = staticmethod(os.geteuid)
    getegid = staticmethod(os.getegid)
    getgroups = staticmethod(os.getgroups)
    setgroups = staticmethod(os.setgroups)
    setuid = staticmethod(os.setuid)
    setgid = staticmethod(os.setgid)
    setsid = staticmethod(os.setsid)
    setpgid = staticmethod(os.setpgid)
    getrlimit = staticmethod(resource.getrlimit)
    setrlimit = staticmethod(resource.setrlimit)
    signal = staticmethod(signals.signal)
    pthread_sigmask = staticmethod(signals.pthread_sigmask)
    set_wakeup_fd = staticmethod(signals.set_wakeup_fd)

    # Other processes
    fork = staticmethod(os.fork)
    fork_exec: Any = staticmethod(_posixsubprocess.fork_exec)
    execve = staticmethod(os.execve)
    posix_spawn = staticmethod(os.posix_spawn)
    waitpid = staticmethod(os.waitpid)
    kill = staticmethod(os.kill)
    killpg = staticmethod(os.killpg)
    _exit = staticmethod(os._exit)

    # The user database
    getpwuid = staticmethod(pwd.getpwuid)
    getpwnam = staticmethod(pwd.getpwnam)
    getgrall = staticmethod(grp.getgrall)
    getgrouplist = staticmethod(os.getgrouplist)
