"""A lab, from the outside: forks its process, turns what comes out of it into records, and keeps its clock and its output limit."""
import errno
import fcntl
import gc
import json
import os
import re
import select
import signal
import struct
import sys
import time
import traceback
from time import monotonic

from proctor_agent import lab, records, services, sweep

FRAME = 1 << 20
JOIN = 1 << 16
READ = 1 << 16
OOM = ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")


def environment(root, own, extra, shared):
    """The clean environment of a lab: nothing of the machine's own."""
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
    variables.update(extra)
    return variables


def killed_for_memory():
    """How often the kernel ended a process here for memory."""
    for path in OOM:
        try:
            with open(path, encoding="ascii") as file:
                for line in file:
                    if line.startswith("oom_kill "):
                        return int(line.split()[1])
        except (OSError, ValueError):
            continue
    return 0


class Pipe:
    """What a lab's descriptor 1 or 2 carries, with the marks that tell which record follows what."""

    def __init__(self, fd, stream, nonce):
        self.fd, self.stream, self.nonce = fd, stream, nonce
        self.buffer, self.size = bytearray(), 0
        self.any = re.compile(b"\0" + nonce + b":[0-9]+\0")

    def read(self):
        """Reads once. Whether anything came."""
        try:
            chunk = os.read(self.fd, READ)
        except OSError:
            return False
        self.buffer += chunk
        self.size += len(chunk)
        return bool(chunk)

    def take(self, number):
        """The text before a mark; all that there is without one, or if it never came."""
        sought = None if number is None else records.mark(self.nonce, number)
        start = 0
        while sought is not None:
            found = self.buffer.find(sought, max(start - len(sought), 0))
            if found >= 0:
                text = bytes(self.buffer[:found])
                del self.buffer[:found + len(sought)]
                self.size -= len(sought)
                return self.text(text)
            start = len(self.buffer)
            if not self.read():
                break
        text = bytes(self.buffer)
        self.buffer.clear()
        return self.text(text)

    def text(self, raw):
        return self.any.sub(b"", raw).decode("utf-8", "replace")


class Job:
    """One job in its own process."""

    def __init__(self, number, work, root, own, uid, others, reply):
        self.number, self.work, self.root, self.own, self.uid, self.others, self.reply = number, work, root, own, uid, others, reply
        self.limits = work["limits"]
        self.judged = {step["id"]: step["judged"] for step in work["steps"]}
        self.nonce = os.urandom(8).hex().encode()
        self.until = monotonic() + self.limits["seconds"]
        self.begun, self.last, self.printed = [], None, 0
        self.frames, self.done, self.broken = bytearray(), False, None
        self.ooms = killed_for_memory()
        self.status, self.stopped = None, None

    # The process.

    def spawn(self):
        sources = []
        ends = []
        for _ in range(3):
            source, end = os.pipe()
            os.set_blocking(source, False)
            sources.append(source)
            ends.append(end)
        for end in ends[1:]:
            os.fchmod(end, 0o666)  # So that the lab's own user can open `/dev/stdout`.
        self.pid = os.fork()
        if self.pid == 0:
            self.become_lab(*ends)
        for end in ends:
            os.close(end)
        self.source = sources[0]
        self.pipes = [Pipe(sources[1], "stdout", self.nonce), Pipe(sources[2], "stderr", self.nonce)]

    def become_lab(self, record, out, err):
        """Never returns."""
        kept = [record]
        try:
            signal.set_wakeup_fd(-1)
            for each in (signal.SIGCHLD, signal.SIGTERM):
                signal.signal(each, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            os.setsid()
            null = os.open("/dev/null", os.O_RDWR)
            for fd, target in ((null, 0), (out, 1), (err, 2)):
                os.dup2(fd, target)
            kept = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 200) for fd in (record, 1, 2)]
            for name in os.listdir("/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"):
                if int(name) > 2 and int(name) not in kept:
                    try:
                        os.close(int(name))
                    except OSError:
                        pass
            sweep.confine(self.limits, self.uid, self.others)
            os.umask(0o022)
            for folder in (self.root, self.own):
                os.mkdir(folder, 0o700)
            os.mkdir(os.path.join(self.own, "tmp"))
            os.chdir(self.root)
            os.environ.clear()
            os.environ.update(environment(self.root, self.own, self.work["env"], self.uid is None))
            time.tzset()
            self.write_files()
            try:
                services.start(self.work, self.own, self.uid is None)
            except services.Unserved as lacking:
                text = json.dumps({"unserved": [lacking.service, lacking.why]}).encode()
                os.write(kept[0], struct.pack(">I", len(text)) + text)
                os._exit(0)
            gc.enable()
            lab.run(self.root, self.own, self.work, *kept, self.nonce)
        except BaseException:
            # Ours, not the lab's: the agent ends with it, and the host says so.
            text = json.dumps({"broken": traceback.format_exc()[-3000:]}).encode()
            os.write(kept[0], struct.pack(">I", len(text)) + text)
        finally:
            os._exit(70)

    def write_files(self):
        for file in self.work["files"]:
            lab.write(self.root, file)

    # What comes out of it.

    def watch(self, orders, wake):
        """Runs until the lab is over or stopped. How it ended."""
        poll = select.poll()
        for fd in (self.source, self.pipes[0].fd, self.pipes[1].fd, orders.fd, wake):
            poll.register(fd, select.POLLIN)
        open_fds = {self.source, self.pipes[0].fd, self.pipes[1].fd}
        while self.status is None and self.stopped is None and not self.done:
            left = self.until - monotonic()
            if left <= 0:
                self.stopped = {"reason": "timeout"}
                break
            for fd, event in poll.poll(max(left, 0.001) * 1000):
                if fd == wake:
                    os.read(wake, 512)
                    self.status = sweep.reap().get(self.pid, self.status)
                elif fd == orders.fd:
                    orders.read()
                    if orders.closed or orders.cancels(self.number):
                        self.stopped = {"reason": "cancelled"}
                elif fd == self.source:
                    if not self.read_records() and event & select.POLLHUP and fd in open_fds:
                        poll.unregister(fd)
                        open_fds.discard(fd)
                else:
                    pipe = self.pipes[0] if fd == self.pipes[0].fd else self.pipes[1]
                    if not pipe.read() and event & select.POLLHUP and fd in open_fds:
                        poll.unregister(fd)
                        open_fds.discard(fd)
                self.count()
        return self.finish()

    def count(self):
        if self.printed + sum(pipe.size for pipe in self.pipes) > self.limits["output"]:
            self.stopped = self.stopped or {"reason": "output"}

    def finish(self):
        """The last records, and how the lab ended."""
        if self.stopped is not None or not self.done:
            self.kill()
        while self.stopped is None and not self.done and self.read_records():
            self.count()
        for pipe in self.pipes:
            while self.stopped is None and pipe.read():
                self.count()
        for pipe in self.pipes:
            self.output(self.step(), pipe.stream, pipe.take(None))
        self.join(None)
        for fd in (self.source, self.pipes[0].fd, self.pipes[1].fd):
            os.close(fd)
        if killed_for_memory() > self.ooms:
            return {"reason": "memory"}
        if self.stopped is not None:
            return self.stopped
        if self.done:
            return {"reason": "finished"}
        if self.status is None or os.WIFSIGNALED(self.status):
            number = signal.SIGKILL if self.status is None else os.WTERMSIG(self.status)
            return {"reason": "timeout"} if number == signal.SIGXCPU else {"reason": "signal", "signal": int(number)}
        return {"reason": "exited", "status": os.WEXITSTATUS(self.status)}

    def kill(self):
        """The lab's process and its group; the sweep finds whatever else there is."""
        for end in (os.killpg, os.kill):
            try:
                end(self.pid, signal.SIGKILL)
            except OSError:
                pass

    def step(self):
        return self.begun[-1] if self.begun else None

    def read_records(self):
        """Reads what the record pipe has. Whether anything came."""
        try:
            chunk = os.read(self.source, READ)
        except OSError as error:
            return error.errno == errno.EINTR
        self.frames += chunk
        while len(self.frames) >= 4 and not self.stopped:
            (size,) = struct.unpack_from(">I", self.frames)
            if size > FRAME:
                self.stopped = {"reason": "output"}
                break
            if len(self.frames) < 4 + size:
                break
            frame = bytes(self.frames[4:4 + size])
            del self.frames[:4 + size]
            self.accept(frame)
        return bool(chunk)

    def accept(self, text):
        """One frame of the lab's, which may be anything: what it says is passed on, what it is not is dropped."""
        try:
            frame = json.loads(text)
            if frame.get("done") is True:
                self.done = True
                return
            if "broken" in frame and not self.begun:
                self.broken = str(frame["broken"])
                return
            if "unserved" in frame and not self.begun:
                service, why = frame["unserved"]
                self.stopped = {"reason": "no-service", "service": str(service), "why": str(why)}
                return
            number, record = frame["mark"], frame["record"]
            step, kind = record["step"], record["kind"]
            if step not in self.judged:
                return
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return
        if isinstance(number, int):
            for pipe in self.pipes:
                self.output(self.step(), pipe.stream, pipe.take(number))
        if kind == "output":
            self.printed += len(str(record.get("text", "")))
            self.output(step, record.get("stream"), str(record.get("text", "")), record.get("line"))
            return
        self.join(None)
        self.reply({"type": "record", "job": self.number, "record": record})
        if kind == "begin":
            self.begun.append(step)
        elif kind == "finished" and self.begun and self.begun[-1] == step and record.get("verdict") != "skipped":
            # The last step stays, for what a lab prints on its way out.
            if len(self.begun) > 1:
                self.begun.pop()

    def output(self, step, stream, text, line=None):
        if text and self.judged.get(step):
            self.join({"step": step, "kind": "output", "stream": stream, "text": text, "line": line})

    def join(self, record):
        """Holds output back until something else happens, so that neighbours become one record."""
        last = self.last
        if record is not None and last is not None and len(last["text"]) < JOIN:
            if all(record[key] == last[key] for key in ("step", "stream", "line")):
                last["text"] += record["text"]
                return
        self.last = record
        if last is not None:
            self.reply({"type": "record", "job": self.number, "record": last})
