"""The agent: reads orders, has a lab's process forked for each job, and ends when its standard input does.

It never runs a line of a course in its own process, and labs are not forked from it: it hears what all of them say.
"""
import json
import os
import signal
import struct
import sys

from proctor_agent import jobs, seal, sweep, warmth, zygote

MANY = 1 << 16
# What begins a frame that holds a job's number (eight bytes) and a record as the lab wrote it: no text of JSON does.
PASSED_ON = 1


class Orders:
    """The host's side of the conversation."""

    def __init__(self, fd):
        self.fd, self.buffer, self.waiting, self.closed = fd, bytearray(), [], False

    def read(self):
        chunk = os.read(self.fd, 1 << 16)
        self.closed = not chunk
        self.buffer += chunk
        while len(self.buffer) >= 4:
            (size,) = struct.unpack_from(">I", self.buffer)
            if len(self.buffer) < 4 + size:
                break
            text = bytes(self.buffer[4:4 + size])
            # The process of a lab reads its order by itself.
            self.waiting.append(dict(json.loads(text), text=text))
            del self.buffer[:4 + size]

    def next(self):
        """The next order; `None` at the end of the input."""
        while not self.waiting:
            if self.closed:
                return None
            self.read()
        return self.waiting.pop(0)

    def cancels(self, number):
        """Whether the host has taken back a job; other orders wait their turn."""
        found = [order for order in self.waiting if order["type"] == "cancel"]
        self.waiting = [order for order in self.waiting if order["type"] != "cancel"]
        return any(order["job"] == number for order in found)


class Agent:
    """One agent serves one worker: one job at a time."""

    def __init__(self):
        self.orders, self.replies = Orders(os.dup(0)), os.dup(1)
        null = os.open("/dev/null", os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(2, 1)
        os.close(null)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        sweep.prctl(sweep.PR_SET_CHILD_SUBREAPER, 1)
        self.clean, self.zygote, self.unsent = True, None, bytearray()

    def reply(self, message):
        text = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        self.unsent += struct.pack(">I", len(text)) + text
        if len(self.unsent) >= MANY:
            self.flush()

    def pass_on(self, number, record):
        """A record of a lab's, unread: the host reads it, and knows that anything may be in it."""
        self.unsent += struct.pack(">IBQ", 9 + len(record), PASSED_ON, number) + record
        if len(self.unsent) >= MANY:
            self.flush()

    def flush(self):
        unsent, self.unsent = self.unsent, bytearray()
        rest = memoryview(unsent)
        while rest:
            rest = rest[os.write(self.replies, rest):]

    def serve(self):
        start = self.orders.next()
        if start is None:
            return
        self.labs, self.apart = start["labs"], start["apart"]
        os.makedirs(self.labs, exist_ok=True)
        if self.apart:
            os.chmod(self.labs, 0o1777)
        sealed = ["network"] if self.apart or sweep.leave_network() else []
        if seal.close_doors():
            sealed.append("calls")
        self.root, self.own = os.path.join(self.labs, "work"), os.path.join(self.labs, ".proctor")
        self.zygote = zygote.Zygote(start["warm"], start["many"], self.root, self.own, not self.apart)
        packages = warmth.installed()
        self.others = 0 if self.apart else sweep.tasks_of(os.getuid())
        self.zygote.ready()
        self.reply({"type": "ready", "python": "%d.%d.%d" % sys.version_info[:3], "packages": packages, "sealed": sealed})
        self.flush()
        while self.clean:
            order = self.orders.next()
            if order is None:
                return
            if order["type"] == "run":
                self.run(order["job"], order)

    def run(self, number, work):
        uid = work["uid"] if self.apart else None
        job = jobs.Job(number, work, self.root, self.own, uid, self.others, self.reply, self.pass_on)
        job.spawn(self.zygote)
        ending = job.watch(self.orders, self.flush)
        if job.broken is not None:
            raise SystemExit(job.broken)
        if uid is None:
            self.clean = sweep.sweep_here([self.root, self.own], self.zygote.pid)
        else:
            self.clean = sweep.sweep_as(uid, self.labs, self.zygote.pid)
        self.clean = self.clean and job.ended
        self.reply({"type": "end", "job": number, "ending": ending})
        self.flush()

    def close(self):
        """Nothing stays behind, whatever ended the conversation."""
        sweep.kill_all(sweep.descendants)
        if not self.apart:
            sweep.remove(os.fsencode(self.labs))
            folder = os.path.dirname(self.labs)
            try:
                if os.listdir(folder) == [".lock"]:
                    sweep.remove(os.fsencode(folder))
            except OSError:
                pass


def main():
    agent = Agent()
    try:
        agent.serve()
    except (BrokenPipeError, ConnectionError, StopIteration):
        return 0
    finally:
        if hasattr(agent, "labs"):
            agent.close()
    return 0 if agent.clean else 70
