"""Shell steps: one shell a step, with the state of the last one; servers stay in the background until the lab ends."""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time

from proctor_agent import curl

READY = 8.0
SETTLED = 0.15
UNNAMED = 3.0
SERVER = re.compile(
    r"(?:^|[\s/;&|])(?:flask\b.*\brun\b|gunicorn\b|uvicorn\b|hypercorn\b|waitress-serve\b|http\.server\b|uwsgi\b|manage\.py\s+runserver\b)"
)
DAEMON = re.compile(r"(?:^|[\s/;&|])(?:celery\b.*\b(?:worker|beat|multi)\b|rq\s+worker\b|redis-server\b|flower\b)")
SCRIPT = re.compile(r"(?:^|[\s/;&|])python[0-9.]*\s+(?:-[uBW]\S*\s+)*([\w./-]+\.py)\b")
HELP = re.compile(r"\s--(?:help|version)\b|\s-h\b")
TAKEN = re.compile(r"[Aa]ddress already in use|Connection in use|Errno 98|in use by another")
BLOCKS = re.compile(r"\.run\(|run_simple\(|serve_forever\(|\bserve\(")
# Names that a shell sets itself and does not let anybody set.
KEPT = re.compile(r"^(?:declare -[a-zA-Z]*r|(?:declare \S+ |export )?(?:BASH\w*|SHELLOPTS|UID|EUID|PPID|DIRSTACK|FUNCNAME|GROUPS|PIPESTATUS|OPTIND|SHLVL|_)=)")
# What asks this machine for a page, and where.
ASKS = re.compile(r"\b(?:curl|http|wget)\b[^\n|;&]*?\b(?:localhost|127\.0\.0\.1|0\.0\.0\.0):(\d{4,5})\b")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
START = "[ -f %(state)s ] && . %(state)s 2>/dev/null\n"
SAVE = """
__proctor_save() {
  __proctor_status=$?
  pwd > %(state)s.cwd
  unset __proctor_command
  unset -f __proctor_save
  if [ -n "$BASH_VERSION" ]; then { declare -p; declare -f; alias -p; } > %(state)s.new 2>/dev/null
  else { export -p; set; } > %(state)s.new 2>/dev/null; fi
  exit $__proctor_status
}
trap __proctor_save EXIT
"""


class Shell:
    """The shell of one lab."""

    def __init__(self, lab):
        self.lab, self.count = lab, 0
        self.program = shutil.which("bash") or "/bin/sh"
        self.own = lab.own
        self.state = os.path.join(self.own, "state")
        self.directory = lab.root
        self.servers = []

    def run(self, step):
        """Runs a step's command. Its exit status; `None` if it goes on in the background."""
        self.prepare()
        text, status = step.get("input") or "", 0
        for command, kind in parts(step["command"], self.directory):
            if kind is None:
                self.serve(command)
            status, said = self.script(command, text, kind)
            if kind and status and TAKEN.search(said):
                # A reader has stopped the last server before starting the next.
                self.stop_servers()
                status, said = self.script(command, text, kind)
            if kind:
                self.lab.printed("stderr" if kind == "server" else "stdout", said)
            if kind and status:
                break
        return status

    def serve(self, command):
        """Has the application answer where a command asks for it, if nobody does: a reader has started it, unless the program fails."""
        if "failed" in self.lab.verdicts.values():
            return
        for port in dict.fromkeys(ASKS.findall(command)):
            if not answers(int(port)):
                self.lab.serving.serve(int(port))

    def stop_servers(self):
        for process in self.servers:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except OSError:
                pass
            process.wait()
        self.servers = []

    def prepare(self):
        """What a shell finds on its path besides the system: made when the first shell step needs it."""
        if self.count:
            return
        folder = os.path.join(self.own, "bin")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(self.own, ".curlrc"), "w", encoding="utf-8") as file:
            file.write("silent\nshow-error\n")
        os.environ["CURL_HOME"] = self.own
        os.environ["PROCTOR_PACKAGES"] = sysconfig.get_path("purelib")
        if shutil.which("curl") is None:
            path = os.path.join(folder, "curl")
            with open(path, "w", encoding="utf-8") as file:
                file.write("#!%s -sB\n%s" % (sys.executable, curl.SCRIPT))
            os.chmod(path, 0o755)
            os.environ["PATH"] = folder + os.pathsep + os.environ["PATH"]

    def script(self, command, text, kind):
        """Runs lines of a command; `kind` says whether they are expected to go on for ever. The exit status, and what a server said."""
        self.count += 1
        path = "%s.%d" % (self.state, self.count)
        start = "shopt -s expand_aliases\n" if self.program.endswith("bash") else ""
        start += START % {"state": self.state} + (SAVE % {"state": self.state} if kind is None else "")
        start += "cd '%s'\n__proctor_command=$1\nshift\neval \"$__proctor_command\"\n" % self.directory.replace("'", "'\\''")
        log = open(path + ".log", "wb") if kind else None
        source = None
        if text:
            with open(path + ".stdin", "w", encoding="utf-8") as file:
                file.write(text)
            source = open(path + ".stdin", "rb")
        # Both streams go one way, and Python holds nothing back: the order is the one that a terminal shows.
        out = {"stdout": log or 1, "stderr": subprocess.STDOUT, "env": dict(os.environ, PYTHONUNBUFFERED="1")}
        words = [self.program, "-c", start, os.path.basename(self.program), command]
        process = subprocess.Popen(words, stdin=source or subprocess.DEVNULL, cwd=self.lab.root, start_new_session=bool(kind), **out)
        status, said = self.wait(process, kind, path + ".log"), ""
        if log:
            log.close()
            with open(path + ".log", encoding="utf-8", errors="replace") as file:
                said = COLOUR.sub("", file.read(1 << 16))
        if source:
            source.close()
        if kind is None:
            self.keep_state()
        return status, said

    def wait(self, process, kind, log):
        """Waits for the end of a command, or for a server to listen. Its exit status; `None` for a server."""
        started, listening = time.monotonic(), None
        pause = 0.002
        while True:
            try:
                status = process.wait(pause)
                return status if status >= 0 else 128 - status
            except subprocess.TimeoutExpired:
                pause = min(pause * 2, 0.05)
            now = time.monotonic()
            if now - started < 0.1:
                continue
            if kind and self.servers and taken(log):
                self.stop_servers()  # Some try again by themselves.
            if listening is None and listens(process.pid):
                listening = now
            if listening is not None and now - listening > (SETTLED if kind else UNNAMED):
                self.servers.append(process)
                return None
            if kind == "daemon" and now - started > UNNAMED or kind == "server" and now - started > READY:
                self.servers.append(process)
                return None

    def keep_state(self):
        """The state that the next step's shell starts with: the last one's, without what a shell would refuse to be told."""
        try:
            with open(self.state + ".cwd", encoding="utf-8", errors="surrogateescape") as file:
                self.directory = file.read().removesuffix("\n") or self.directory
            with open(self.state + ".new", encoding="utf-8", errors="surrogateescape") as file:
                lines = [line for line in file if not KEPT.match(line) and "__proctor_" not in line]
            with open(self.state, "w", encoding="utf-8", errors="surrogateescape") as file:
                file.writelines(lines)
        except OSError:
            pass


def answers(port):
    """Whether somebody listens on a port of this machine."""
    try:
        socket.create_connection(("127.0.0.1", port), 0.5).close()
        return True
    except OSError:
        return False


def taken(log):
    with open(log, encoding="utf-8", errors="replace") as file:
        return TAKEN.search(file.read(1 << 16)) is not None


def looks_like_server(command, directory):
    if SERVER.search(command) or DAEMON.search(command):
        return True
    script = SCRIPT.search(command)
    if not script:
        return False
    try:
        with open(os.path.join(directory, script.group(1)), encoding="utf-8", errors="replace") as file:
            return bool(BLOCKS.search(file.read()))
    except OSError:
        return False


def parts(command, directory):
    """A command in parts, each with its kind: servers (a last line that does not end by itself, or a line sent to the background) and the rest."""
    lines = command.rstrip().split("\n")
    if "<<" in command:
        return [(command, None)]
    found, rest = [], []
    for number, line in enumerate(lines):
        text = line.strip()
        behind = text.endswith("&") and not text.endswith("&&")
        whole = not (number and lines[number - 1].endswith("\\")) and not text.startswith("#")
        if whole and (behind or number == len(lines) - 1) and not HELP.search(text) and looks_like_server(text, directory):
            if rest:
                found.append(("\n".join(rest), None))
            found.append((text.rstrip("& "), "daemon" if DAEMON.search(text) else "server"))
            rest = []
        else:
            rest.append(line)
    return found + ([("\n".join(rest), None)] if rest or not found else [])


def family(pid):
    """A process and everything that descends from it."""
    children = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/%s/stat" % name, encoding="utf-8", errors="replace") as file:
                    parent = int(file.read().rpartition(")")[2].split()[1])
            except (OSError, ValueError, IndexError):
                continue
            children.setdefault(parent, []).append(int(name))
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        found.append(one)
        waiting += children.get(one, [])
    return found


def listens(pid):
    """Whether a process or one of its descendants listens on a TCP port."""
    sockets = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(table, encoding="ascii") as file:
                sockets.update("socket:[%s]" % line.split()[9] for line in file if line.split()[3:4] == ["0A"])
        except OSError:
            continue
    if not sockets:
        return False
    for one in family(pid):
        try:
            for fd in os.listdir("/proc/%d/fd" % one):
                if os.readlink("/proc/%d/fd/%s" % (one, fd)) in sockets:
                    return True
        except OSError:
            continue
    return False
