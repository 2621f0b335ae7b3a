"""What labs write to, laid side by side: a lab copies every page of memory on which it changes as much as a word.

Everything here only saves time. Where the interpreter or the C library is another than it knows, things stay where they are.
"""
import ctypes
import gc
import os
import re
import sys
import types

# The interpreter's own account of its pools: number of a class, size of its blocks, pools, blocks in use, blocks that are free.
CLASS = re.compile(rb"^ *[0-9]+ +([0-9]+) +[0-9]+ +[0-9]+ +([0-9]+)$", re.MULTILINE)
ACCOUNT = 1 << 16
LARGE, SMALL = 1 << 17, 16
# What fills holes, and code that was replaced by a copy of itself: kept, so that no new holes come of it.
KEPT = []


def state_of_code():
    """Each function, and its code as it is by now: the interpreter notes in it how it ran."""
    return [(thing, thing.__code__._co_code_adaptive) for thing in gc.get_objects() if type(thing) is types.FunctionType]


def gather(before):
    """Lays the code that has run since `before` side by side."""
    made = {}
    for function, was in before:
        code = function.__code__
        if code._co_code_adaptive != was:
            KEPT.append(code)
            function.__code__ = copy(code, made)


def copy(code, made):
    """A copy of code, with what it defines; the same one each time."""
    found = made.get(id(code))
    if found is None:
        inner = tuple(copy(const, made) if type(const) is types.CodeType else const for const in code.co_consts)
        found = made[id(code)] = code.replace(co_consts=inner)
    return found


def fill():
    """Uses up the free pieces of memory between what is shared, so that whatever a lab makes comes to lie on pages of its own."""
    for each in (fill_pools, fill_heap):
        try:
            each()
        except (OSError, ValueError, AttributeError):
            continue


def fill_pools():
    """The interpreter's own: it tells how many blocks of which size are free."""
    file, err = os.memfd_create("proctor"), os.dup(2)
    try:
        os.dup2(file, 2)
        sys._debugmallocstats()
    finally:
        os.dup2(err, 2)
    account = os.pread(file, ACCOUNT, 0)
    for fd in (file, err):
        os.close(fd)
    for size, free in CLASS.findall(account):
        size, free = int(size), int(free)
        room = size - bytes.__basicsize__
        if room >= 0:
            KEPT.append([bytes(room) for _ in range(free)])
        elif size == sys.getsizeof(1 << 20) + 4:
            KEPT.append([number + (1 << 20) for number in range(free)])


class Account(ctypes.Structure):
    """What the C library says of its heap; `keepcost` is what is free at its top."""

    _fields_ = [(name, ctypes.c_size_t) for name in "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()]


def fill_heap():
    """The C library's: asked for pieces of each size, from the largest, until it has none left but those at the top."""
    # With the lock of the interpreter held: nothing else may run meanwhile.
    libc = ctypes.PyDLL(None)
    libc.mallinfo2.restype = Account
    libc.sbrk.restype = libc.malloc.restype = ctypes.c_void_p
    malloc, free = libc.malloc, libc.free
    malloc.argtypes, free.argtypes = (ctypes.c_size_t,), (ctypes.c_void_p,)
    top = libc.sbrk(0) - libc.mallinfo2().keepcost
    size = LARGE
    while size >= SMALL:
        got = malloc(size)
        if got is not None and got < top:
            continue
        free(got)
        size = size - 16 if size <= 1200 else size * 15 // 16 & ~15
