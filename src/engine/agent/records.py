"""The one way out of a lab: records down a pipe, and the lab's own standard streams, which become records.

What Python code prints goes down the record pipe with its line. What anything else writes to descriptors 1 and 2 (subprocesses,
extension modules) the agent reads from two pipes of its own; marks written to both, numbered as in the record that follows them,
let the agent put it in the right place without anybody waiting for anybody.
"""
import codecs
import io
import json
import os
import struct
import sys
import threading

CHUNK = 1 << 16
PROMPT = 256
# Bound here: a lab that replaces such functions, as lessons on mocks do, still reports.
encode, write = json.JSONEncoder(separators=(",", ":")).encode, os.write
# What is held back must be out before another process prints, or this one ends.
LEAVING = frozenset(("subprocess.Popen", "os.system", "os.posix_spawn", "os.fork", "os.forkpty", "os.exec", "os.kill", "os.spawn"))


def mark(nonce, number):
    return b"\0%s:%d\0" % (nonce, number)


# What a frame begins with: the number of its mark, its step, and what it means to whoever passes it on.
HEAD = struct.Struct(">IIc")
BEGIN, FINISHED, SKIPPED, OUTPUT, OTHER, WORD = b"b", b"f", b"s", b"o", b"r", b"w"
KINDS = {"begin": BEGIN, "finished": FINISHED, "output": OUTPUT}


def frame(record, number):
    """A record as a frame, for which a reader need not know what is in it."""
    kind = KINDS.get(record["kind"], OTHER)
    if kind is FINISHED and record["verdict"] == "skipped":
        kind = SKIPPED
    return HEAD.pack(number, record["step"], kind) + encode(record).encode()


def word(what):
    """What a lab says of itself, as a frame."""
    return HEAD.pack(0, 0, WORD) + encode(what).encode()


class Channel:
    """Writes records. One a lab; a process that the lab forks has none."""

    def __init__(self, fd, out, err, nonce):
        self.fd, self.pipes, self.nonce = fd, (out, err), nonce
        self.lock = threading.RLock()
        self.queue, self.writing, self.number = [], False, 0
        self.kept = []
        self.held, self.size, self.flushes = None, 0, 0
        self.where = lambda: (None, None)

    def guard(self):
        """Hears of what a lab does to its process, from now on and for good."""
        os.register_at_fork(after_in_child=self.forked)
        sys.addaudithook(self.heard)

    def heard(self, event, _arguments):
        if event in LEAVING and self.fd is not None:
            self.flush()

    def forked(self):
        """In a process that the lab forked: what it prints goes to its descriptors, as ever."""
        if self.fd is None:
            return
        self.lock = threading.RLock()
        fd, self.fd, self.held, self.kept, self.queue, self.writing = self.fd, None, None, [], [], False
        for each in (fd, *self.pipes):
            try:
                os.close(each)
            except OSError:
                pass

    def print(self, stream, text):
        """Holds printed text until its line is full or something else happens."""
        step, line = self.where()
        with self.lock:
            key = (step, stream, line)
            if self.held is not None and self.held[0] != key:
                self.flush()
            if self.held is None:
                self.held, self.size = (key, []), 0
            self.held[1].append(text)
            self.size += len(text)
            # A lab may end at any moment, so that full lines leave at once; one that floods is not worth a system call a line.
            if self.size >= 4096 or (self.flushes < PROMPT and text.endswith("\n")):
                self.flushes += 1
                self.flush()

    def flush(self):
        with self.lock:
            held, self.held = self.held, None
            if held is None:
                self.release()
                return
            (step, stream, line), parts = held
            text = "".join(parts)
            if step is not None:
                for start in range(0, len(text), CHUNK):
                    self.send(step, {"kind": "output", "stream": stream, "text": text[start:start + CHUNK], "line": line})

    def record(self, step, event):
        with self.lock:
            if self.held is not None:
                self.flush()
            self.send(step, event)

    def send(self, step, event):
        with self.lock:
            if self.fd is None:
                return
            self.kept.append(dict(event, step=step))
            # Nothing of the lab runs between the end of a step and the beginning of the next: they travel together.
            if event["kind"] != "finished":
                self.release()

    def release(self):
        """Sends what was kept for company, with one mark for all."""
        with self.lock:
            kept, self.kept = self.kept, []
            if not kept or self.fd is None:
                return
            self.number += 1
            for pipe in self.pipes:
                try:
                    write(pipe, mark(self.nonce, self.number))
                except OSError:
                    pass
            self.put(*(frame(record, self.number if record is kept[0] else 0) for record in kept))

    def put(self, *frames):
        with self.lock:
            self.queue.append(b"".join(struct.pack(">I", len(text)) + text for text in frames))
            if self.writing:
                return  # A signal's own code prints while a frame is being written: it follows.
            self.writing = True
            try:
                while self.queue:
                    rest = memoryview(self.queue.pop(0))
                    while rest:
                        rest = rest[write(self.fd, rest):]
            except OSError:
                self.queue.clear()
            finally:
                self.writing = False


class Sink(io.RawIOBase):
    """The binary side of `sys.stdout` or `sys.stderr` in a lab."""

    def __init__(self, channel, stream, fd):
        self.channel, self.stream, self.fd = channel, stream, fd
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def writable(self):
        return True

    def fileno(self):
        return self.fd

    def isatty(self):
        return False

    @property
    def raw(self):
        return self

    def write(self, text):
        text = bytes(text)
        if self.channel.fd is None:
            rest = memoryview(text)
            while rest:
                rest = rest[write(self.fd, rest):]
        else:
            decoded = self.decoder.decode(text)
            if decoded:
                self.channel.print(self.stream, decoded)
        return len(text)


def open_streams(channel):
    """Puts the lab's own streams in place of the interpreter's."""
    for name, fd, errors in (("stdout", 1, "strict"), ("stderr", 2, "backslashreplace")):
        stream = io.TextIOWrapper(Sink(channel, name, fd), encoding="utf-8", errors=errors, newline="\n", write_through=True)
        stream.mode = "w"
        setattr(sys, name, stream)
        setattr(sys, "__%s__" % name, stream)
    sys.stdin = sys.__stdin__ = open(0, encoding="utf-8", closefd=False)
