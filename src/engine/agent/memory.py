"""Memory that forks can share: a lab's first steps would otherwise copy some thousand pages, only because counting references writes to them.

Everything here only saves time. Whatever does not work on some interpreter or kernel is left out, and labs run as they would without.
"""
import ctypes
import gc
import itertools
import operator
import os
import sys
import types
from array import array

from proctor_agent import packing

MADV_COLLAPSE = 25
LARGE = 1 << 21
VECTOR = 1024
# So many arenas of 1 MiB hold what the larger environments load; the largest small object, and somewhat fewer of it than an arena takes.
ARENAS, BLOCK, IN_ARENA = 36, 479, 1900
DEEP = frozenset((types.CodeType, tuple, dict, frozenset))


def reserve():
    """Has the interpreter take what it is going to need at once: a place in each of its arenas is kept, so that it gives none back.
    What it takes bit by bit lies scattered between libraries, where no large page has room."""
    # A list that grew meanwhile would come to lie between them.
    things = [None] * (ARENAS * IN_ARENA)
    for number in range(len(things)):
        things[number] = bytes(BLOCK)
    packing.KEPT.extend(things[::IN_ARENA])


def settle():
    """Prepares this process for many forks."""
    if can_share():
        try:
            share()
        except (OSError, ValueError, AttributeError):
            pass
    gc.collect()
    packing.fill()
    gc.freeze()
    try:
        libc = ctypes.CDLL(None)
        libc.malloc_trim(0)
        collapse(libc)
    except (OSError, ValueError, AttributeError):
        pass


def collapse(libc):
    """Has the kernel join small pages to large ones, where it can: a fork then has less to note, and so has the end of what was forked."""
    with open("/proc/self/maps", encoding="ascii", errors="replace") as file:
        regions = [line.split(None, 5) for line in file]
    for where, rights, _offset, _device, inode, *_name in regions:
        start, end = (int(part, 16) for part in where.split("-"))
        start, end = -(-start // LARGE) * LARGE, end // LARGE * LARGE
        if rights.startswith("rw") and inode == "0" and start < end:
            libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), MADV_COLLAPSE)


def immortal():
    """The reference count of an object that is not counted; `None` where the interpreter counts them all."""
    if sys.implementation.name != "cpython" or sys.version_info < (3, 12) or "t" in getattr(sys, "abiflags", ""):
        return None
    return ctypes.c_uint32.from_address(id(None)).value


def can_share():
    """Whether an object whose count is set as `None`'s is no longer counted: tried on one that nobody needs."""
    count = immortal()
    if count is None or count < 1 << 30 or not hasattr(os, "memfd_create"):
        return False
    trial = [object()]
    before = ctypes.c_uint32.from_address(id(trial[0])).value
    if before != 1:
        return False
    write_all(array("Q", [id(trial[0])]), count)
    more = [trial[0] for _ in range(10)]
    same = ctypes.c_uint32.from_address(id(trial[0])).value == count
    del more
    return same and ctypes.c_uint32.from_address(id(trial[0])).value == count


def share():
    """Has the interpreter no longer count references to anything that exists now. Nothing of it would be freed anyway: it belongs to libraries."""
    tracked = gc.get_objects()
    reached = gc.get_referents(*tracked)
    inner = [thing for thing in reached if type(thing) in DEEP and not gc.is_tracked(thing)]
    found = [tracked, reached]
    for _ in range(8):
        codes = [thing for thing in inner if type(thing) is types.CodeType]
        within = gc.get_referents(*inner)
        within += itertools.chain.from_iterable(map(operator.attrgetter("co_consts"), codes))
        found.append(within)
        inner = [thing for thing in within if type(thing) in DEEP and not gc.is_tracked(thing)]
        if not inner:
            break
    addresses = array("Q")
    for things in found:
        addresses.extend(map(id, things))
    write_all(addresses, immortal())


def write_all(addresses, value):
    """Writes four bytes at each address: by one system call for many, as a Python statement for each would take longer than is ever saved."""
    size = len(addresses)
    vectors = array("Q", bytes(16 * size))
    vectors[0::2] = addresses
    vectors[1::2] = array("Q", [4]) * size
    # With the lock of the interpreter held: nothing else may run meanwhile.
    preadv = ctypes.PyDLL(None).preadv
    preadv.argtypes, preadv.restype = (ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_long), ctypes.c_ssize_t
    file = os.memfd_create("proctor")
    try:
        os.write(file, value.to_bytes(4, sys.byteorder) * VECTOR)
        begin = vectors.buffer_info()[0]
        for start in range(0, size, VECTOR):
            count = min(VECTOR, size - start)
            if preadv(file, begin + 16 * start, count, 0) != 4 * count:
                raise OSError("some object is not where it should be")
    finally:
        os.close(file)
