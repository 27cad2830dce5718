"""Has a client that ended its side of a connection gone altogether, or does it still wait for its answer?

Promise: says so where it can be known, and that it cannot where not; changes nothing. Knows no HTTP.

Both look the same on the connection: an end of file. What tells:
- A local socket reports a hang-up once the other end is closed and not only shut down for writing.
- Of a TCP client on this machine the kernel lists the other end, too (Linux, /proc/net/tcp). Closed, it belongs to no
  inode any more or is not there at all; shut down for writing only, it still has one.
- Of a TCP client elsewhere nothing is known before something is sent to it.
"""

from __future__ import annotations

import select
import socket
import struct

from supervisor.hints import Any

__all__ = ["departed"]


def departed(sock: socket.socket) -> bool | None:
    """True: gone. False: still there. None: nobody can know."""
    if sock.family == socket.AF_UNIX:
        return _hung_up(sock.fileno())
    try:
        ours, theirs = sock.getsockname(), sock.getpeername()
    except OSError:
        # Not connected any more.
        return True
    return _closed_on_this_machine(ours, theirs)


def _hung_up(fd: int) -> bool | None:
    if not hasattr(select, "poll"):
        return None
    poll = select.poll()
    poll.register(fd, 0)
    return any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll(0))


def _closed_on_this_machine(ours: Any, theirs: Any) -> bool | None:
    wanted = _listed(theirs), _listed(ours)
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            file = open(table, encoding="ascii")
        except OSError:
            return None
        with file:
            for line in file:
                words = line.split(None, 10)
                if len(words) > 9 and words[1].endswith(wanted[0]) and words[2].endswith(wanted[1]):
                    return words[9] == "0"
    # Connections with oneself are always listed.
    return True if theirs[0] == ours[0] else None


def _listed(address: Any) -> str:
    """The end of the form in which an address is listed: 32-bit words as the machine reads them, and the port.

    An IPv4 address is also the end of the IPv6 address that stands for it.
    """
    host = address[0].partition("%")[0]
    packed = socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host)
    words = struct.unpack(f"={len(packed) // 4}I", packed)
    return "".join(f"{word:08X}" for word in words) + f":{address[1]:04X}"
