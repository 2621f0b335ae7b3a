"""A lab, from the inside: runs the steps of one job in this process and records what happens."""
import ast
import atexit
import builtins
import importlib
import linecache
import os
import sys
import threading
import types
import warnings
from time import monotonic

from proctor_agent import inspection, modules, places, records, serving, shell

FEATURES = 0
for _name in __import__("__future__").all_feature_names:
    FEATURES |= getattr(__import__("__future__"), _name).compiler_flag
LINGER = 2.0
TOOL = 4


class Lab:
    """One job in its own process."""

    def __init__(self, root, own, job, channel):
        self.root, self.own, self.channel = root, own, channel
        self.files = [file["path"] for file in job["files"]]
        self.steps = job["steps"]
        self.names = {step["filename"] for step in self.steps if step["do"] == "python"}
        self.verdicts, self.running, self.flags, self.warned = {}, [], {}, set()
        self.base = None
        self.finder = modules.LabFinder(root, self.steps, self.run)
        self.serving = serving.Serving(self)
        self.shell = None
        channel.where = self.where

    # The life of a lab.

    def prepare(self):
        modules.forget_shadowed(self.files)
        sys.path.insert(0, self.root)
        sys.meta_path.insert(0, self.finder)
        self.fill_linecache()
        self.before = dict(sys.modules)
        self.main = types.ModuleType("__main__")
        vars(self.main).update(__builtins__=builtins, __annotations__={}, __file__=os.path.join(self.root, "main.py"))
        sys.modules["__main__"] = self.main
        sys.argv = [self.main.__file__]
        self.impl = warnings._showwarnmsg_impl
        warnings._showwarnmsg = self.warned_of
        leave = os._exit

        def _exit(status):
            self.channel.flush()
            leave(status)

        os._exit = _exit

    def fill_linecache(self):
        """Tracebacks and `inspect` see the guide's own lines."""
        texts = {}
        for step in self.steps:
            if step["do"] == "python":
                lines = texts.setdefault(step["filename"], [])
                new = step["code"].split("\n")
                end = step["line"] - 1 + len(new)
                lines.extend([""] * (end - len(lines)))
                lines[step["line"] - 1:end] = new
        for name, lines in texts.items():
            kept = [line + "\n" for line in lines]
            linecache.cache[name] = (sum(map(len, kept)), None, kept, name)

    def run_all(self):
        self.base = sys._getframe()
        last = None
        for step in self.steps:
            if step["do"] == "python" and step["module"] != "__main__":
                continue
            self.run(step, self.main)
            last = step
        return last

    def end(self, last):
        """What follows the last step belongs to it."""
        if last is not None:
            self.running.append(last)
            self.wind_down()
            self.channel.flush()

    def wind_down(self):
        """What an interpreter does at its end, within reason: waits for threads, calls what was registered."""
        self.channel.release()
        until = monotonic() + LINGER
        for thread in threading.enumerate():
            if thread is not threading.current_thread() and not thread.daemon:
                thread.join(max(until - monotonic(), 0))
        ending = threading.Thread(target=atexit._run_exitfuncs, daemon=True)
        try:
            ending.start()
        except RuntimeError:
            return  # The lab has used up its threads.
        ending.join(max(until - monotonic(), 0.2))

    # Steps.

    def run(self, step, module):
        number = step["id"]
        because = next((need for need in step.get("needs") or () if self.verdicts.get(need) in ("failed", "skipped")), None)
        if because is not None:
            self.verdicts[number] = "skipped"
            self.channel.record(number, {"kind": "finished", "verdict": "skipped", "because": because, "seconds": 0.0})
            return
        self.channel.record(number, {"kind": "begin"})
        self.channel.flushes = 0
        self.running.append(step)
        started, verdict, status = monotonic(), "passed", None
        try:
            verdict, status = self.act(step, module)
        except BaseException as error:
            if not (isinstance(error, SystemExit) and error.code in (None, 0)):
                verdict = "failed"
                self.record(places.raised(error, step.get("filename")), "raised")
        self.finish(step, verdict, status, monotonic() - started)

    def finish(self, step, verdict, status, seconds):
        if verdict == "failed":
            # An import that fails because a statement of the module failed says so.
            because = next((need for need in step.get("needs") or () if self.verdicts.get(need) in ("failed", "skipped")), None)
        else:
            because = None
        self.verdicts[step["id"]] = verdict
        event = {"kind": "finished", "verdict": verdict, "because": because, "status": status, "seconds": round(seconds, 6)}
        self.channel.record(step["id"], event)
        self.running.pop()

    def act(self, step, module):
        """What a step does: its verdict and exit status."""
        kind = step["do"]
        if kind == "python":
            self.python(step, module)
        elif kind == "import":
            importlib.import_module(step["module"])
        elif kind == "shell":
            if self.shell is None:
                self.shell = shell.Shell(self)
            status = self.shell.run(step)
            return ("failed" if status else "passed"), status
        elif kind == "write":
            write(self.root, step)
        elif kind == "request":
            return ("passed" if self.serving.request(step) else "failed"), None
        elif kind == "probe":
            passed = self.serving.probe(step)
            for found in inspection.findings(self):
                self.record(found, "raised")
            return ("passed" if passed else "failed"), None
        return "passed", None

    def python(self, step, module):
        names = vars(module)
        if module is self.main:
            module.__file__ = os.path.join(self.root, step.get("file") or "main.py")
            sys.argv[:1] = [module.__file__]
        flags = self.flags.get(module, 0)
        # Empty lines before the code give every line its number in the guide, whoever reads it: compiler, warnings, tracebacks.
        source = "\n" * (step["line"] - 1) + step["code"] + "\n"
        tree = compile(source, step["filename"], "exec", ast.PyCF_ONLY_AST | flags, True)
        trees = [ast.Interactive([statement]) for statement in tree.body] if step.get("console") else [tree]
        missed = []
        for part in trees:
            code = compile(part, step["filename"], "single" if step.get("console") else "exec", self.flags.get(module, 0), True)
            self.flags[module] = self.flags.get(module, 0) | code.co_flags & FEATURES
            if step["judged"] and places.has_inner(part):
                hit = set()
                try:
                    watched(code, names, hit)
                finally:
                    missed += places.missed(part, code, hit)
                    if missed and part is trees[-1]:
                        self.channel.record(step["id"], {"kind": "missed", "lines": missed})
            else:
                exec(code, names)

    # Records.

    def record(self, event, kind):
        self.channel.record(self.running[-1]["id"], dict(event, kind=kind))

    def printed(self, stream, text):
        """Output of something that is not Python code of the lab."""
        if text and self.running[-1]["judged"]:
            self.channel.record(self.running[-1]["id"], {"kind": "output", "stream": stream, "text": places.clean(text, 1 << 16)})

    def where(self):
        """The running step, if it is judged, and the innermost line of its own text on the stack."""
        if not self.running or not self.running[-1]["judged"]:
            return None, None
        step = self.running[-1]
        return step["id"], self.line_of(step, sys._getframe(1))

    def line_of(self, step, frame):
        wanted = (step["filename"],) if step["do"] == "python" else self.names
        while frame is not None:
            if frame.f_code.co_filename in wanted:
                return frame.f_lineno
            frame = frame.f_back
        return None

    def warned_of(self, message):
        """Stands in for `warnings._showwarnmsg`: records a warning, once a line, and leaves alone what the lab catches itself."""
        caught = warnings._showwarnmsg_impl is not self.impl
        shown = warnings.showwarning is not warnings._showwarning_orig
        if shown:
            warnings.showwarning(message.message, message.category, message.filename, message.lineno, message.file, message.line)
        elif caught:
            warnings._showwarnmsg_impl(message)
        if caught or self.channel.fd is None or not self.running or not self.running[-1]["judged"]:
            return
        step, frame = self.running[-1], sys._getframe(1)
        line = self.line_of(step, frame)
        key = (message.category, str(message.message), line if line is not None else message.lineno)
        if key not in self.warned:
            self.warned.add(key)
            self.record(places.warning(message, places.stack(frame, self.base)), "warning")

    def modules(self):
        """The lab's own modules, `__main__` first."""
        yield self.main
        for name, module in list(sys.modules.items()):
            if module is self.before.get(name) or module is self.main:
                continue  # It was there before the lab was.
            file = getattr(module, "__file__", None)
            if isinstance(file, str) and file.startswith(self.root + os.sep):
                yield module


def write(root, file):
    """Writes a file of the lab, unless its path leaves the lab."""
    path = os.path.normpath(os.path.join(root, file["path"].lstrip("/")))
    if not path.startswith(root + os.sep):
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8", errors="surrogateescape", newline="") as out:
        out.write(file["text"])


def watched(code, names, hit):
    """Runs code and notes which of its own lines ran."""
    monitoring = getattr(sys, "monitoring", None)
    if monitoring is None:
        return traced(code, names, hit)
    if monitoring.get_tool(TOOL) is None:
        monitoring.use_tool_id(TOOL, "proctor")
    outer = monitoring.register_callback(TOOL, monitoring.events.LINE, None)

    def line(of, number):
        if of is code:
            hit.add(number)
        elif outer is not None:
            outer(of, number)
        return monitoring.DISABLE

    monitoring.register_callback(TOOL, monitoring.events.LINE, line)
    monitoring.set_local_events(TOOL, code, monitoring.events.LINE)
    try:
        exec(code, names)
    finally:
        monitoring.set_local_events(TOOL, code, 0)
        monitoring.register_callback(TOOL, monitoring.events.LINE, outer)


def traced(code, names, hit):
    """The same for interpreters without `sys.monitoring`."""
    before = sys.gettrace()

    def local(frame, event, _argument):
        if event == "line":
            hit.add(frame.f_lineno)
        return local

    def begin(frame, _event, _argument):
        return local if frame.f_code is code else None

    sys.settrace(begin)
    try:
        exec(code, names)
    finally:
        sys.settrace(before)


def rehearse(job):
    """Runs steps of our own in this very process, as a lab runs its own, and undoes what that leaves behind."""
    streams = [(name, getattr(sys, name)) for name in ("stdin", "stdout", "stderr", "__stdin__", "__stdout__", "__stderr__")]
    path, finders, argv, main = sys.path[:], sys.meta_path[:], sys.argv, sys.modules["__main__"]
    show, leave, cached = warnings._showwarnmsg, os._exit, dict(linecache.cache)
    null = os.open(os.devnull, os.O_WRONLY)
    channel = records.Channel(null, null, null, b"")
    try:
        records.open_streams(channel)
        lab = Lab("/nowhere", "/nowhere", job, channel)
        lab.prepare()
        lab.run_all()
        channel.flush()
        vars(lab.main).clear()
    finally:
        for name, stream in streams:
            setattr(sys, name, stream)
        sys.path[:], sys.meta_path[:], sys.argv, sys.modules["__main__"] = path, finders, argv, main
        warnings._showwarnmsg, os._exit, serving.Serving.here = show, leave, None
        linecache.cache.clear()
        linecache.cache.update(cached)
        os.close(null)


def run(root, own, job, fd, out, err, nonce):
    """Runs a job in a process that was made for it, and ends that process."""
    channel = records.Channel(fd, out, err, nonce)
    channel.guard()
    leave = os._exit
    records.open_streams(channel)
    lab = Lab(root, own, job, channel)
    lab.prepare()
    lab.end(lab.run_all())
    with channel.lock:
        channel.flush()
        channel.put(records.word({"done": True}))
    leave(0)
