"""A lab, from the outside: forks its process, turns what comes out of it into records, and keeps its clock and its output limit."""
import errno
import json
import os
import re
import select
import signal
import struct
import tempfile
import time
from time import monotonic

from proctor_agent import records, sweep
from proctor_agent.zygote import ENDED

FRAME = 1 << 20
JOIN = 1 << 16
READ = 1 << 16
# All records together that are no output: warnings, exceptions, answers.
TOLD = 16 << 20
# What a record costs beside its text: the host keeps only so many.
RECORD = 320
COMPANY = 0.02
OOM = ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")


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


def nameless(folder):
    """A new file that nobody else can open."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("job"), "w+b")
    return tempfile.TemporaryFile(dir=folder)


class Pipe:
    """What a lab's descriptor 1 or 2 carries, with the marks that tell which record follows what."""

    def __init__(self, fd, stream, nonce):
        self.fd, self.stream, self.nonce = fd, stream, nonce
        self.buffer, self.size = bytearray(), 0

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
        if b"\0" in raw:
            raw = re.sub(b"\0" + self.nonce + b":[0-9]+\0", b"", raw)
        return raw.decode("utf-8", "replace")


class Job:
    """One job in its own process."""

    def __init__(self, number, work, root, own, uid, others, reply, pass_on):
        self.number, self.work, self.root, self.own, self.uid, self.others, self.reply, self.pass_on = number, work, root, own, uid, others, reply, pass_on
        self.limits = work["limits"]
        self.judged = {step["id"]: step["judged"] for step in work["steps"]}
        self.nonce = os.urandom(8).hex().encode()
        self.until = monotonic() + self.limits["seconds"]
        self.begun, self.last, self.printed, self.told = [], None, 0, 0
        self.frames, self.done, self.broken = bytearray(), False, None
        self.ooms = killed_for_memory()
        self.status, self.stopped, self.ended = None, None, False

    # The process.

    def spawn(self, zygote):
        """Has a process forked, which finds the job in a file that has no name."""
        sources, ends = [], []
        for _ in range(3):
            source, end = os.pipe()
            os.set_blocking(source, False)
            sources.append(source)
            ends.append(end)
        for end in ends[1:]:
            os.fchmod(end, 0o666)  # So that the lab's own user can open `/dev/stdout`.
        with nameless(os.path.dirname(self.root)) as order:
            order.write(self.nonce + b"\n" + self.work["text"])
            order.flush()
            self.pid = zygote.fork(self.uid, self.others, [order.fileno(), *ends])
        for end in ends:
            os.close(end)
        self.zygote, self.source = zygote, sources[0]
        self.pipes = [Pipe(sources[1], "stdout", self.nonce), Pipe(sources[2], "stderr", self.nonce)]

    # What comes out of it.

    def watch(self, orders, flush):
        """Runs until the lab is over or stopped. How it ended. `flush()` sends what has been replied so far."""
        poll = select.poll()
        for fd in (self.source, self.pipes[0].fd, self.pipes[1].fd, orders.fd, self.zygote.fileno()):
            poll.register(fd, select.POLLIN)
        open_fds = {self.source, self.pipes[0].fd, self.pipes[1].fd}
        while self.status is None and self.stopped is None and not self.done:
            left = self.until - monotonic()
            if left <= 0:
                self.stopped = {"reason": "timeout"}
                break
            # Replies travel in company: each costs whoever carries it more than it holds.
            ready = poll.poll(min(left, COMPANY) * 1000)
            if not ready:
                flush()
                ready = poll.poll(max(left, 0.001) * 1000)
            for fd, event in ready:
                if fd == self.zygote.fileno():
                    self.hear()
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

    def hear(self):
        """Takes note of the end of a process that was forked: this lab's, if it is not that of an earlier one."""
        kind, pid, status = self.zygote.hear()
        if kind == ENDED and pid == self.pid:
            self.status = status

    def await_end(self):
        """Waits until the lab's process is gone, which was killed if it had not ended. Whether that came about."""
        until = monotonic() + sweep.PATIENCE
        poll = select.poll()
        poll.register(self.zygote.fileno(), select.POLLIN)
        while self.status is None and monotonic() < until:
            if poll.poll(100):
                self.hear()
        return self.status is not None

    def count(self):
        if self.printed + sum(pipe.size for pipe in self.pipes) > self.limits["output"] or self.told > max(TOLD, self.limits["output"]):
            self.stopped = self.stopped or {"reason": "output"}

    def finish(self):
        """The last records, and how the lab ended."""
        # One that says that it is done has nothing more to do.
        if self.status is None:
            self.kill()
        self.ended = self.await_end()
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
        if len(text) < records.HEAD.size:
            return
        number, step, kind = records.HEAD.unpack_from(text)
        text = text[records.HEAD.size:]
        if kind == records.WORD:
            self.told_of_itself(text)
            return
        if step not in self.judged:
            return
        if number:
            for pipe in self.pipes:
                self.output(self.step(), pipe.stream, pipe.take(number))
        if kind == records.OUTPUT:
            self.accept_output(step, text)
            return
        # A flood of warnings fills the host as well as one of output does.
        self.told += len(text) + RECORD
        self.join(None)
        self.pass_on(self.number, text)
        if kind == records.BEGIN:
            self.begun.append(step)
        elif kind == records.FINISHED and self.begun and self.begun[-1] == step:
            # The last step stays, for what a lab prints on its way out.
            if len(self.begun) > 1:
                self.begun.pop()

    def told_of_itself(self, text):
        """What a lab says that is no record."""
        try:
            what = json.loads(text)
            if what.get("done") is True:
                self.done = True
            elif "broken" in what and not self.begun:
                self.broken = str(what["broken"])
            elif what.get("memory") is True:
                self.stopped = {"reason": "memory"}
            elif "unserved" in what and not self.begun:
                service, why = what["unserved"]
                self.stopped = {"reason": "no-service", "service": str(service), "why": str(why)}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return

    def accept_output(self, step, text):
        try:
            record = json.loads(text)
            stream, line, text = record.get("stream"), record.get("line"), str(record.get("text", ""))
        except (ValueError, AttributeError, RecursionError):
            return
        self.printed += len(text)
        self.output(step, stream, text, line)

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
            self.told += RECORD
            self.reply({"type": "record", "job": self.number, "record": last})
