"""The process that every lab is forked from: loads what labs will want, and then forks when it is told to.

It never sees a line of a course, nor anything that a lab says: jobs and records pass between the agent and the lab's own process, so
that the memory a lab starts with holds nothing of another. It stays single-threaded, so that forking is safe.
"""
import fcntl
import gc
import json
import os
import select
import signal
import socket
import struct
import sys
import time
import traceback

from proctor_agent import lab, memory, modules, records, services, serving, sweep, warmth

# What the zygote says, and what it is told: a letter, and two numbers.
WORD = struct.Struct("=cqq")
READY, FORKED, ENDED, FORK, FAILED = b"r", b"f", b"e", b"F", b"x"
FDS = 4


def framed(what):
    """What a lab's process says of itself, as it goes down the records' pipe."""
    text = records.word(what)
    return struct.pack(">I", len(text)) + text


# A frame of the records' pipe, made while there is memory to make it.
MEMORY = framed({"memory": True})


class Zygote:
    """The agent's side: a process of its own, and the socket to it."""

    def __init__(self, names, many, root, own, shared):
        self.socket, other = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            status = 70
            try:
                self.socket.close()
                status = serve(other, names, many, root, own, shared)
            except (BrokenPipeError, ConnectionError):
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(status)
        other.close()
        self.buffer = b""

    def fileno(self):
        return self.socket.fileno()

    def ready(self):
        """Waits until it has loaded everything. How much memory a lab starts with."""
        return self.expect(READY)[1]

    def fork(self, uid, others, fds):
        """Has a lab's process made, which gets these descriptors. Its id."""
        socket.send_fds(self.socket, [WORD.pack(FORK, -1 if uid is None else uid, others)], fds)
        return self.expect(FORKED)[0]

    def expect(self, wanted):
        while True:
            kind, first, second = self.hear()
            if kind == wanted:
                return first, second
            if kind == FAILED:
                raise OSError(first, os.strerror(first))

    def hear(self):
        """The next word; `ConnectionError` if it has ended."""
        while len(self.buffer) < WORD.size:
            chunk = self.socket.recv(WORD.size - len(self.buffer))
            if not chunk:
                raise ConnectionError("the process that labs are forked from has ended")
            self.buffer += chunk
        word, self.buffer = self.buffer, b""
        return WORD.unpack(word)


def serve(channel, names, many, root, own, shared):
    """The zygote's own life. Its exit status."""
    sweep.prctl(sweep.PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.set_wakeup_fd(-1)
    for fd in range(3, 64):
        if fd != channel.fileno():
            try:
                os.close(fd)
            except OSError:
                pass
    wake, end = os.pipe()
    for fd in (wake, end):
        os.set_blocking(fd, False)
    signal.set_wakeup_fd(end, warn_on_full_buffer=False)
    # Rather than holes in memory that every lab would copy, garbage that all of them share.
    gc.disable()
    if many:
        memory.reserve()
    sys.meta_path.insert(0, modules.Afterwards(serving.hooks()))
    warmth.warm(names, many)
    if many:
        memory.settle()
    gc.freeze()
    os.environ.clear()
    os.environ.update(environment(root, own, shared))
    size = sweep.own_data()
    channel.sendall(WORD.pack(READY, 0, size))
    poll = select.poll()
    for fd in (channel.fileno(), wake):
        poll.register(fd, select.POLLIN)
    while True:
        for fd, _event in poll.poll():
            if fd == wake:
                os.read(wake, 512)
                for pid, status in sweep.reap().items():
                    channel.sendall(WORD.pack(ENDED, pid, status))
                continue
            word, fds, _flags, _address = socket.recv_fds(channel, WORD.size, FDS)
            if not word:
                return 0
            _kind, uid, others = WORD.unpack(word)
            try:
                pid = os.fork()
            except OSError as error:
                channel.sendall(WORD.pack(FAILED, error.errno, 0))
                pid = None
            if pid == 0:
                become_lab(*fds, None if uid < 0 else uid, others, size, root, own)
            for each in fds:
                os.close(each)
            if pid is not None:
                channel.sendall(WORD.pack(FORKED, pid, 0))


def become_lab(order, record, out, err, uid, others, size, root, own):
    """Never returns. `order` is a file with the job."""
    # A local name: whatever a lab does to our modules, it never comes back to the frames of those who forked it.
    kept, leave = [record], os._exit
    try:
        signal.set_wakeup_fd(-1)
        for each in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(each, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.setsid()
        with open(order, "rb") as file:
            file.seek(0)
            nonce = file.readline().strip()
            work = json.loads(file.read())
        null = os.open("/dev/null", os.O_RDWR)
        for fd, target in ((null, 0), (out, 1), (err, 2)):
            os.dup2(fd, target)
        kept = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 200) for fd in (record, 1, 2)]
        start = 3
        for fd in sorted(kept):
            os.closerange(start, fd)
            start = fd + 1
        os.closerange(start, 4096)
        sweep.confine(work["limits"], uid, others, size)
        os.umask(0o022)
        for folder in (root, own):
            os.mkdir(folder, 0o700)
        os.mkdir(os.path.join(own, "tmp"))
        os.chdir(root)
        os.environ.update(work["env"])
        time.tzset()
        for file in work["files"]:
            lab.write(root, file)
        try:
            services.start(work, own, uid is None)
        except services.Unserved as lacking:
            os.write(kept[0], framed({"unserved": [lacking.service, lacking.why]}))
            leave(0)
        gc.enable()
        lab.run(root, own, work, *kept, nonce)
    except MemoryError:
        # The lab's own, who left no room even for its record.
        os.write(kept[0], MEMORY)
    except BaseException:
        # Ours, not the lab's: the agent ends with it, and the host says so.
        os.write(kept[0], framed({"broken": traceback.format_exc()[-3000:]}))
    finally:
        leave(70)


def environment(root, own, shared):
    """The clean environment of every lab: nothing of the machine's own."""
    variables = {
        "PATH": os.pathsep.join((os.path.join(sys.prefix, "bin"), "/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin")),
        "HOME": root,
        "PWD": root,
        "USER": "learner",
        "LOGNAME": "learner",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "TERM": "dumb",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONBREAKPOINT": "0",
        "SQLALCHEMY_WARN_20": "1",
        "GIT_CONFIG_NOSYSTEM": "1",
        "PIP_NO_INPUT": "1",
    }
    if shared:
        variables["TMPDIR"] = os.path.join(own, "tmp")
    return variables
