"""Shuts the doors that namespaces and the engine's own filter leave open, for the agent and all that it forks, for good.

A small filter of system calls, installed by the process itself: it needs no right and no profile, and holds under every engine and without one.
"""
import ctypes
import errno
import os
import struct

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, FILTER = 38, 22, 2
# By machine: the architecture's word, the numbers of io_uring's calls (the same in every table) and of `socket`.
MACHINES = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}
RINGS = (425, 426, 427)
# Unix, IPv4, IPv6, netlink: what namespaces hold. Not a virtual machine's channel to its host, nor the kernel's odder protocols.
FAMILIES = (1, 2, 10, 16)
OTHER_TABLE = 0x40000000
LOAD, EQUAL, AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050000
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16


def program(architecture, socket):
    """The filter: steps of (operation, jump if so, jump if not, value)."""
    absent, denied = REFUSE | errno.ENOSYS, REFUSE | errno.EPERM
    return [
        (LOAD, 0, 0, ARCHITECTURE),
        (EQUAL, 1, 0, architecture),
        # 32-bit programs have calls of their own, by which `socket` could be had unseen; no lesson brings one.
        (RETURN, 0, 0, absent),
        (LOAD, 0, 0, NUMBER),
        (AT_LEAST, 0, 1, OTHER_TABLE),
        (RETURN, 0, 0, absent),
        (AT_LEAST, 0, 2, RINGS[0]),
        (AT_LEAST, 1, 0, RINGS[-1] + 1),
        (RETURN, 0, 0, denied),
        (EQUAL, 0, len(FAMILIES) + 2, socket),
        (LOAD, 0, 0, FIRST_ARGUMENT),
        *((EQUAL, len(FAMILIES) - number, 0, family) for number, family in enumerate(FAMILIES)),
        (RETURN, 0, 0, REFUSE | errno.EAFNOSUPPORT),
        (RETURN, 0, 0, ALLOW),
    ]


def close_doors():
    """Installs the filter. Whether that came about: it does not on other machines than those, nor on other systems than Linux."""
    machine = MACHINES.get(os.uname().machine)
    if machine is None or os.uname().sysname != "Linux" or struct.calcsize("P") != 8:
        return False
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        steps = b"".join(struct.pack("HBBI", *step) for step in program(*machine))
        text = ctypes.create_string_buffer(steps, len(steps))
        whole = struct.pack("HxxxxxxP", len(steps) // 8, ctypes.addressof(text))
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        return libc.prctl(PR_SET_SECCOMP, FILTER, ctypes.c_char_p(whole), 0, 0) == 0
    except (OSError, AttributeError):
        return False
