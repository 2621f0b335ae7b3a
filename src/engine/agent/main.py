"""The agent: reads orders, forks a lab for each job, and ends when its standard input does.

It stays single-threaded, so that forking is safe, and never runs a line of a course in its own process.
"""
import gc
import importlib
import importlib.metadata
import json
import os
import re
import signal
import struct
import sys
import warnings

from proctor_agent import jobs, seal, sweep


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
            self.waiting.append(json.loads(bytes(self.buffer[4:4 + size])))
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
        self.wake, end = os.pipe()
        os.set_blocking(self.wake, False)
        os.set_blocking(end, False)
        signal.set_wakeup_fd(end, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        sweep.prctl(sweep.PR_SET_CHILD_SUBREAPER, 1)
        self.clean = True

    def reply(self, message):
        text = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        rest = memoryview(struct.pack(">I", len(text)) + text)
        while rest:
            rest = rest[os.write(self.replies, rest):]

    def serve(self):
        start = self.orders.next()
        if start is None:
            return
        self.labs, uids = start["labs"], start.get("uids")
        self.uids = None if uids is None else iter(range(uids[0], uids[1] + 1))
        os.makedirs(self.labs, exist_ok=True)
        if self.uids is not None:
            os.chmod(self.labs, 0o1777)
        sealed = ["network"] if self.uids is not None or sweep.leave_network() else []
        if seal.close_doors():
            sealed.append("calls")
        os.environ["SQLALCHEMY_WARN_20"] = "1"
        # Before anything is loaded: a filter that hides a warning would also remember it as shown.
        warnings.resetwarnings()
        warnings.simplefilter("always")
        for category in (ResourceWarning, ImportWarning, BytesWarning):
            warnings.simplefilter("ignore", category)
        warm(start["warm"])
        packages = installed()
        self.others = 0 if self.uids is not None else sweep.tasks_of(os.getuid())
        gc.collect()
        gc.freeze()
        self.reply({"type": "ready", "python": "%d.%d.%d" % sys.version_info[:3], "packages": packages, "sealed": sealed})
        while self.clean:
            order = self.orders.next()
            if order is None:
                return
            if order["type"] == "run":
                self.run(order["job"], order)

    def run(self, number, work):
        uid = None if self.uids is None else next(self.uids)
        root, own = os.path.join(self.labs, "work"), os.path.join(self.labs, ".proctor")
        job = jobs.Job(number, work, root, own, uid, self.others, self.reply)
        job.spawn()
        ending = job.watch(self.orders, self.wake)
        if job.broken is not None:
            raise SystemExit(job.broken)
        if uid is None:
            self.clean = sweep.sweep_here([root, own])
        else:
            self.clean = sweep.sweep_as(uid, self.labs)
        self.reply({"type": "end", "job": number, "ending": ending})

    def close(self):
        """Nothing stays behind, whatever ended the conversation."""
        sweep.kill_all(sweep.descendants)
        if self.uids is None:
            sweep.remove(os.fsencode(self.labs))
            folder = os.path.dirname(self.labs)
            try:
                if os.listdir(folder) == [".lock"]:
                    sweep.remove(os.fsencode(folder))
            except OSError:
                pass


def installed():
    """The installed distributions: name, as an index spells it, to version."""
    found = {}
    for distribution in importlib.metadata.distributions():
        try:
            name = distribution.metadata["Name"]
            found.setdefault(re.sub(r"[-_.]+", "-", name).lower(), distribution.version)
        except Exception:
            continue
    return found


def warm(names):
    """Loads modules before the first fork, and walks the paths that a first use would make every lab pay for."""
    for name in names:
        try:
            importlib.import_module(name)
        except BaseException:
            continue
        use = FIRST_USES.get(name)
        try:
            if use is not None:
                use()
        except BaseException:
            continue


def use_flask():
    import flask

    app = flask.Flask("warm")
    app.add_url_rule("/", "index", lambda: flask.render_template_string("{{ 1 }}"))
    app.test_client().get("/")


def use_sqlalchemy():
    import sqlalchemy
    from sqlalchemy import orm

    base = orm.declarative_base()

    class Parent(base):
        __tablename__ = "parent"
        id = sqlalchemy.Column(sqlalchemy.Integer, primary_key=True)
        name = sqlalchemy.Column(sqlalchemy.String(20))
        children = orm.relationship("Child", back_populates="parent")

    class Child(base):
        __tablename__ = "child"
        id = sqlalchemy.Column(sqlalchemy.Integer, primary_key=True)
        parent_id = sqlalchemy.Column(sqlalchemy.ForeignKey("parent.id"))
        parent = orm.relationship("Parent", back_populates="children")

    engine = sqlalchemy.create_engine("sqlite://")
    base.metadata.create_all(engine)
    with orm.Session(engine) as session:
        session.add(Parent(name="warm", children=[Child()]))
        session.commit()
        session.execute(sqlalchemy.select(Parent).join(Child)).scalars().all()
    engine.dispose()
    base.registry.dispose()


FIRST_USES = {"flask": use_flask, "sqlalchemy": use_sqlalchemy}


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
