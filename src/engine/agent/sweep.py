"""Sets a lab's process apart, and leaves nothing of it behind: processes, files, shared memory."""
import ctypes
import fcntl
import os
import resource
import signal
import socket
import struct
import time

try:
    LIBC = ctypes.CDLL(None, use_errno=True)
except OSError:
    LIBC = None

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 4, 36, 38
NEW_USER, NEW_NETWORK, NEW_IPC = 0x10000000, 0x40000000, 0x08000000
IPC_RMID = 0
SET_FLAGS, UP_AND_RUNNING = 0x8914, 0x41
PATIENCE = 10.0
SHARED = ("/tmp", "/dev/shm", "/dev/mqueue", "/var/tmp", "/run")
MIB = 1 << 20


def prctl(option, value):
    if LIBC is not None:
        LIBC.prctl(option, value, 0, 0, 0)


def leave_network():
    """Gives this process, and so its labs, a loopback interface and shared memory of their own, and no other network: where the machine
    lets its users do so. Two labs can then serve on the same port, as in containers. Whether it came about."""
    if LIBC is None or not hasattr(LIBC, "unshare"):
        return False
    trial = os.fork()  # On some machines only the second half fails, and then there is no way back.
    if trial == 0:
        os._exit(0 if unshare() else 1)
    return os.waitpid(trial, 0)[1] == 0 and unshare()


def unshare():
    user, group = os.getuid(), os.getgid()
    try:
        if LIBC.unshare(NEW_NETWORK | NEW_IPC) != 0:
            if LIBC.unshare(NEW_USER | NEW_NETWORK | NEW_IPC) != 0:
                return False
            for name, text in (("setgroups", "deny"), ("uid_map", "%d %d 1" % (user, user)), ("gid_map", "%d %d 1" % (group, group))):
                with open("/proc/self/" + name, "w", encoding="ascii") as file:
                    file.write(text)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            fcntl.ioctl(any_socket, SET_FLAGS, struct.pack("16sH22x", b"lo", UP_AND_RUNNING))
    except OSError:
        return False
    return True


def limit(kind, value):
    """Lowers a limit; one that is lower already stays."""
    hard = resource.getrlimit(kind)[1]
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    try:
        resource.setrlimit(kind, (value, value))
    except (ValueError, OSError):
        pass


def own_data():
    """The writable memory that this process has mapped already, in bytes."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmData"))
    except (OSError, StopIteration, ValueError):
        return 64 * MIB


def tasks_of(uid):
    """How many threads a user has: the limit on processes counts them all, wherever they run. Root is not limited."""
    count = 0
    for name in os.listdir("/proc") if uid and os.path.isdir("/proc/self") else ():
        if name.isdigit():
            try:
                if os.stat("/proc/" + name).st_uid == uid:
                    count += len(os.listdir("/proc/%s/task" % name))
            except OSError:
                continue
    return count


def confine(limits, uid, others, size):
    """Limits and user of the calling process, for good. `others`: how many threads this user had before; `size`: how much memory it began with."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    limit(resource.RLIMIT_CORE, 0)
    limit(resource.RLIMIT_FSIZE, limits["file"] * MIB)
    limit(resource.RLIMIT_NOFILE, 1024)
    if hasattr(resource, "RLIMIT_MSGQUEUE"):
        limit(resource.RLIMIT_MSGQUEUE, MIB)
    limit(resource.RLIMIT_CPU, limits["seconds"] * 2 + 10)
    limit(resource.RLIMIT_DATA, size + limits["memory"] * MIB)
    if uid is None:
        # The user's other programs start threads as well, while a lab runs and after we counted.
        limit(resource.RLIMIT_NPROC, 2 * others + limits["processes"])
        return
    # Raised while we still may: it can never be lowered again.
    with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("1000")
    limit(resource.RLIMIT_NPROC, limits["processes"])
    become(uid)
    # A process that changed its user does not own its `/proc/self`, and could not open `/dev/stdout`.
    prctl(PR_SET_DUMPABLE, 1)
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def become(uid):
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def reap():
    """Takes in every process that has ended. Their statuses by id."""
    ended = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if pid == 0:
            return ended
        ended[pid] = status


def processes(wanted):
    """The ids of the processes for which `wanted(pid, parent, uid)` holds; those that have ended are left out."""
    found = []
    for name in os.listdir("/proc") if os.path.isdir("/proc/self") else ():
        if name.isdigit():
            try:
                with open("/proc/%s/stat" % name, encoding="utf-8", errors="replace") as file:
                    state, parent = file.read().rpartition(")")[2].split()[:2]
                uid = os.stat("/proc/" + name).st_uid
            except (OSError, ValueError):
                continue
            if state not in "ZX" and wanted(int(name), int(parent), uid):
                found.append(int(name))
    return found


def children(pid):
    """The processes that a process started or adopted; `None` where the kernel does not say."""
    found = []
    try:
        for task in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/children" % (pid, task), encoding="ascii") as file:
                found += map(int, file.read().split())
    except FileNotFoundError:
        return None if os.path.exists("/proc/%d" % pid) else found
    except OSError:
        pass
    return found


def descendants():
    """Everything that this process started or adopted."""
    reap()
    found, waiting = [], [os.getpid()]
    while waiting:
        below = children(waiting.pop())
        if below is None:
            return scanned_descendants()
        found += below
        waiting += below
    return found


def scanned_descendants():
    """The same, from the parents of all processes."""
    parents = {}

    def note(pid, parent, _uid):
        parents[pid] = parent

    processes(note)
    me = os.getpid()

    def is_mine(pid):
        seen = set()
        while pid in parents and pid not in seen:
            seen.add(pid)
            pid = parents[pid]
            if pid == me:
                return True
        return False

    return [pid for pid in parents if is_mine(pid)]


def kill_all(find):
    """Kills what `find()` finds until it finds nothing. Whether that came about."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        found = find()
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        reap()
        if not found:
            return True
        time.sleep(0.001)
    return False


def sweep_here(folders, zygote):
    """After a lab that ran as this very user: what it started, and its folders. Not the process that labs are forked from."""
    clean = kill_all(lambda: [pid for pid in descendants() if pid != zygote])
    for folder in folders:
        clean = remove(os.fsencode(folder)) and clean
    return clean


def sweep_as(uid, labs, zygote):
    """After a lab of its own user. Whether nothing is left."""
    if alone(zygote) and LIBC is not None and hasattr(LIBC, "setfsuid") and not any(shared_memory(uid)):
        # Nobody is there who could change anything while we look, so that we can do it ourselves, with that user's rights to files alone.
        LIBC.setfsuid(uid)
        try:
            return sweep_files(uid, labs)
        finally:
            LIBC.setfsuid(0)
            prctl(PR_SET_DUMPABLE, 1)
    return sweep_from_within(uid, labs)


def alone(zygote):
    """Whether there is no process but this one and the one that labs are forked from: for a process that is the first of its own namespace."""
    reap()
    return os.getpid() == 1 and {name for name in os.listdir("/proc") if name.isdigit()} == {"1", str(zygote)}


def sweep_from_within(uid, labs):
    """A process of the same user does it, since nobody else may."""
    kill_all(lambda: processes(lambda _pid, _parent, owner: owner == uid))
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            become(uid)
            kill_own(uid)
            remove_shared_memory(uid)
            status = 0 if sweep_files(uid, labs) else 1
        finally:
            os._exit(status)
    until = time.monotonic() + 2 * PATIENCE
    while time.monotonic() < until:
        ended = reap()
        if pid in ended:
            return ended[pid] == 0
        time.sleep(0.001)
    os.kill(pid, signal.SIGKILL)
    return False


def kill_own(uid):
    """Ends every other process of this user, all at once: not even one that forks without end is quicker."""
    me, until = os.getpid(), time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            os.kill(-1, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            break
        # Where others' processes are there as well, the call succeeds without having reached any.
        if not processes(lambda pid, _parent, owner: owner == uid and pid != me):
            break
        time.sleep(0.002)


def sweep_files(uid, labs):
    """Removes a user's files. Whether nothing is left."""
    clean = True
    for folder in (labs, *SHARED):
        clean = remove_owned(os.fsencode(folder), uid) and clean
    return clean


def remove_owned(folder, uid):
    """Removes what a user owns directly in a folder (what is deeper stands in folders that it owns)."""
    clean = True
    try:
        with os.scandir(folder) as entries:
            owned = [entry.path for entry in entries if entry.stat(follow_symlinks=False).st_uid == uid]
    except OSError:
        return True
    for path in owned:
        clean = remove(path) and clean
    return clean


def remove(root):
    """Removes a file or a folder, however deep and whatever its modes: folders are first moved up, so that no path grows long."""
    try:
        if not os.path.isdir(root) or os.path.islink(root):
            os.unlink(root)
            return True
        os.chmod(root, 0o700)
        number = 0
        while True:
            folders = []
            for name in os.listdir(root):
                path = os.path.join(root, name)
                if os.path.isdir(path) and not os.path.islink(path):
                    folders.append(path)
                else:
                    os.unlink(path)
            if not folders:
                os.rmdir(root)
                return True
            for folder in folders:
                os.chmod(folder, 0o700)
                for name in os.listdir(folder):
                    path = os.path.join(folder, name)
                    if os.path.isdir(path) and not os.path.islink(path):
                        os.chmod(path, 0o700)
                        number += 1
                        os.rename(path, os.path.join(root, b".proctor-%d-%d" % (os.getpid(), number)))
                    else:
                        os.unlink(path)
                os.rmdir(folder)
    except FileNotFoundError:
        return True
    except OSError:
        return False


def remove_shared_memory(uid):
    """System V segments, semaphores and queues of a user."""
    remove = {
        "shm": lambda number: LIBC.shmctl(number, IPC_RMID, None),
        "sem": lambda number: LIBC.semctl(number, 0, IPC_RMID),
        "msg": lambda number: LIBC.msgctl(number, IPC_RMID, None),
    }
    for table, number in shared_memory(uid) if LIBC is not None else ():
        remove[table](number)


def shared_memory(uid):
    """The table and number of each System V segment, semaphore and queue of a user."""
    for table, key in (("shm", "shmid"), ("sem", "semid"), ("msg", "msqid")):
        try:
            with open("/proc/sysvipc/" + table, encoding="ascii") as file:
                head, *rows = (line.split() for line in file)
        except (OSError, ValueError):
            continue
        for row in rows:
            if int(row[head.index("uid")]) == uid:
                yield table, int(row[head.index(key)])
