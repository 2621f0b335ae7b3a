"""Servers that a lab asks for, started as the lab's own user on its loopback, with their files in its folder.

They are orphans, taken in by the agent: code that waits for its children must not wait for them. The sweep that ends a lab ends them.
"""
import glob
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import time

HOST = "127.0.0.1"
READY = 15.0
TEMPLATE = "/opt/proctor/postgresql"
NAMES = 4
NOBODY = 65534
NAME = r"([A-Za-z_][\w-]{0,62})"
HERE = r"(?:localhost|127\.0\.0\.1|\[::1\])?(?::5432)?"
ADDRESS = re.compile(r"postgres(?:ql)?(?:\+\w+)?://(?:%s?(?::[^@\s'\"/]*)?@)?%s/%s" % (NAME, HERE, NAME))
USER = re.compile(r"\buser(?:name)?(?:\s*=\s*['\"]|=)%s['\"\s]" % NAME)
DATABASE = re.compile(r"\b(?:dbname|database)(?:\s*=\s*['\"]|=)%s['\"\s]" % NAME)


class Unserved(Exception):
    """A service that cannot be had here."""

    def __init__(self, service, why):
        super().__init__(service, why)
        self.service, self.why = service, why


def start(work, own, local):
    """Starts the services of a job one after the other; returns when all answer."""
    for name in work.get("services") or ():
        if name not in SERVICES:
            raise Unserved(name, "this agent knows no such service")
        port, begin, answers, variables = SERVICES[name]
        if listens(port):
            raise Unserved(name, "port %d of this machine is in use" % port)
        folder = os.path.join(own, name)
        log = folder + ".log"
        launch(begin(folder, work, local), log)
        until = time.monotonic() + READY
        while not answers():
            if time.monotonic() > until:
                raise Unserved(name, "it did not start: " + last_line(log))
            time.sleep(0.01)
        if name == "postgresql":
            create(work)
        for variable, value in variables.items():
            os.environ.setdefault(variable, value)


def launch(words, log):
    """A process that is nobody's child: the shell that starts it ends at once."""
    with open(log, "wb") as out:
        subprocess.run(["/bin/sh", "-c", '"$@" &', "sh", *words], stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True, check=False)


def last_line(log):
    try:
        with open(log, encoding="utf-8", errors="replace") as file:
            lines = [line.strip() for line in file.read(1 << 16).splitlines() if line.strip()]
    except OSError:
        lines = []
    return lines[-1][:200] if lines else "it said nothing"


def listens(port):
    try:
        socket.create_connection((HOST, port), 0.5).close()
        return True
    except OSError:
        return False


def ask(port, question, answer):
    """Whether a server answers a question as it does when it is ready."""
    try:
        with socket.create_connection((HOST, port), 1) as connection:
            connection.settimeout(2)
            connection.sendall(question)
            return connection.recv(64).startswith(answer)
    except OSError:
        return False


def lacks(service, program, package, local):
    """That a server's program is nowhere, and what to do."""
    if not local:
        return Unserved(service, "the image that labs run in has no `%s`" % program)
    return Unserved(service, "there is no `%s` on the path: install it (Debian and Ubuntu: `apt install %s`), or use `--engine docker`" % (program, package))


def redis(folder, _work, local):
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        raise lacks("redis", "redis-server", "redis-server", local)
    os.mkdir(folder, 0o700)
    options = {"bind": HOST, "port": "6379", "dir": folder, "save": "", "appendonly": "no", "daemonize": "no", "maxmemory": "64mb", "protected-mode": "no"}
    return [program, *(word for name, value in options.items() for word in ("--" + name, value))]


def postgresql(folder, work, local):
    program = postgresql_program("postgres")
    if program is None:
        raise lacks("postgresql", "postgres", "postgresql", local)
    if os.geteuid() == 0:
        lend(folder)
    cluster(folder, program)
    options = {
        "listen_addresses": HOST,
        "port": "5432",
        "unix_socket_directories": "",
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "shared_buffers": "16MB",
        "max_connections": "20",
        "autovacuum": "off",
        "min_wal_size": "2MB" if os.path.isdir(TEMPLATE) else "80MB",
        "max_wal_size": "16MB" if os.path.isdir(TEMPLATE) else "96MB",
        "dynamic_shared_memory_type": "mmap",
        "max_parallel_workers": "0",
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "max_logical_replication_workers": "0",
    }
    return [*unprivileged(), program, "-D", folder, *(word for name, value in options.items() for word in ("-c", "%s=%s" % (name, value)))]


def lend(folder):
    """Makes a folder that belongs to nobody, and that nobody can reach: PostgreSQL refuses to run as root."""
    os.mkdir(folder, 0o700)
    os.chown(folder, NOBODY, NOBODY)
    parent = os.path.dirname(folder)
    while os.path.dirname(parent) != parent and not os.stat(parent).st_mode & 0o001:
        os.chmod(parent, os.stat(parent).st_mode & 0o777 | 0o011)
        parent = os.path.dirname(parent)


def unprivileged():
    """What stands before a command that must not run as root."""
    drop = "import os, sys; os.setgroups([]); os.setgid(%d); os.setuid(%d); os.execv(sys.argv[1], sys.argv[1:])" % (NOBODY, NOBODY)
    return [sys.executable, "-sBc", drop] if os.geteuid() == 0 else []


def postgresql_program(name):
    """A program of PostgreSQL's: on the path, or where Debian puts it, the newest."""
    found = glob.glob("/usr/lib/postgresql/*/bin/" + name)
    found.sort(key=lambda path: [int(number) for number in re.findall(r"\d+", path)])
    return shutil.which(name) or (found[-1] if found else None)


def cluster(folder, program):
    """A copy of the cluster that was made with the image; made now where there is none."""
    if os.path.isdir(TEMPLATE):
        shutil.copytree(TEMPLATE, folder, copy_function=shutil.copyfile)
        for path, _folders, _files in os.walk(folder):
            os.chmod(path, 0o700)
        return
    folder_of = os.path.dirname(os.path.realpath(program))
    words = [*unprivileged(), os.path.join(folder_of, "initdb"), "-D", folder, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]
    made = subprocess.run(words, cwd=folder if os.path.isdir(folder) else None, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if made.returncode:
        raise Unserved("postgresql", "its cluster could not be made: " + (made.stderr.strip().splitlines() or ["initdb said nothing"])[-1][:200])
    single = [*unprivileged(), program, "--single", "-D", folder, "postgres"]
    subprocess.run(single, input="CREATE DATABASE app;\n", capture_output=True, text=True, check=False)


def named(work):
    """Users and databases that the job names in the address of a server on this machine, each once and in order."""
    texts = [step.get("code") or step.get("command") or "" for step in work["steps"]]
    texts += [file["text"] for file in work["files"]] + list(work["env"].values())
    users, databases = {}, {}
    for text in texts:
        for user, database in ADDRESS.findall(text):
            users[user] = databases[database] = None
        if "psycopg" in text or "postgres" in text:
            users.update(dict.fromkeys(USER.findall(text)))
            databases.update(dict.fromkeys(DATABASE.findall(text)))
    return [user for user in users if user and user != "postgres"], [name for name in databases if name not in ("", "postgres", "app")]


def create(work):
    """Makes the users that a job names, who may do everything, and its databases; passwords are not asked for. What cannot be made, its code will say."""
    users, databases = named(work)
    wanted = ['CREATE ROLE "%s" SUPERUSER LOGIN' % user for user in users[:NAMES]] + ['CREATE DATABASE "%s"' % name for name in databases[:NAMES]]
    if not wanted:
        return
    try:
        with socket.create_connection((HOST, 5432), 1) as connection:
            connection.settimeout(READY)
            connection.sendall(startup("postgres"))
            until_ready(connection)
            for statement in wanted:
                text = statement.encode() + b"\0"
                connection.sendall(b"Q" + struct.pack(">I", 4 + len(text)) + text)
                until_ready(connection)
    except OSError:
        pass


def until_ready(connection):
    """Reads a server's messages up to the one that it waits for the next question."""
    with connection.makefile("rb", buffering=0) as answers:
        while True:
            kind, size = answers.read(1), answers.read(4)
            if len(size) < 4:
                raise OSError("the server went away")
            rest = struct.unpack(">I", size)[0] - 4
            while rest:
                rest -= len(answers.read(rest)) or rest
            if kind == b"Z":
                return


def startup(database="app"):
    """The first message of a client of PostgreSQL's: version 3.0, user and database."""
    words = b"user\0postgres\0database\0" + database.encode() + b"\0\0"
    return struct.pack(">II", 8 + len(words), 196608) + words


# By name: port, how it is started, whether it answers, and the variables that say where it is.
SERVICES = {
    "redis": (6379, redis, lambda: ask(6379, b"PING\r\n", b"+PONG"), {"REDIS_URL": "redis://127.0.0.1:6379/0"}),
    "postgresql": (
        5432,
        postgresql,
        lambda: ask(5432, startup(), b"R"),
        {
            "DATABASE_URL": "postgresql+psycopg://postgres@127.0.0.1:5432/app",
            "PGHOST": HOST,
            "PGPORT": "5432",
            "PGUSER": "postgres",
            "PGDATABASE": "app",
        },
    ),
}
