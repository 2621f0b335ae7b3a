"""Where things happened: stack frames, exceptions, warnings and unreached lines, as the records that the host reads.

Everything here reads interpreter objects and the lab's home, and makes plain dicts.
"""
import ast
import itertools
import os
import re

OWN = ("<proctor>", "<frozen importlib", "<frozen runpy")
TEXT = 8192
DEPTH = 5
FRAMES = 60


def clean(text, limit=TEXT):
    """Text that survives UTF-8 and fits a record."""
    text = text if isinstance(text, str) else str(text)
    if len(text) > limit:
        text = text[:limit] + "..."
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def place(code, last, line, names):
    """A frame as a record: `last` is the offset of its last instruction."""
    start, end_line, column, end_column = next(itertools.islice(code.co_positions(), max(last, 0) // 2, None), (None,) * 4)
    return {
        "file": clean(code.co_filename),
        "line": start or line or 0,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
        "function": clean(code.co_name),
        "module": clean(names.get("__name__") or ""),
    }


def is_own(filename):
    return filename.startswith(OWN)


def capped(frames):
    """The outermost quarter and the innermost rest of a long stack."""
    if len(frames) <= FRAMES:
        return frames
    head = FRAMES // 4
    return frames[:head] + frames[head - FRAMES:]


def stack(frame, base):
    """The frames from `base` (left out) to `frame`, outermost first, without the agent's own."""
    places = []
    while frame is not None and frame is not base:
        if not is_own(frame.f_code.co_filename):
            places.append(place(frame.f_code, frame.f_lasti, frame.f_lineno, frame.f_globals))
        frame = frame.f_back
    places.reverse()
    return capped(places)


def traceback_frames(trace):
    """The frames of a traceback, outermost first, without the agent's own."""
    places = []
    while trace is not None:
        frame = trace.tb_frame
        if not is_own(frame.f_code.co_filename):
            places.append((frame.f_code, trace.tb_lasti, trace.tb_lineno, frame.f_globals))
        trace = trace.tb_next
    return [place(*entry) for entry in capped(places)]


def dotted(thing):
    """The dotted name of a module, a class, or an object's class."""
    if isinstance(thing, type(re)):
        return thing.__name__
    kind = thing if isinstance(thing, type) else type(thing)
    return "%s.%s" % (kind.__module__, kind.__qualname__)


FROM_IMPORT = re.compile(r"cannot import name '([^']+)' from (?:partially initialized module )?'([^']+)'")
NO_ATTRIBUTE = re.compile(r"module '([^']+)' has no attribute '([^']+)'")


def subject(error, message):
    """The name that an exception is about, and what it was asked of."""
    if isinstance(error, ImportError):
        found = FROM_IMPORT.match(message)
        if found:
            return found.group(1), found.group(2)
        return error.name, None
    if isinstance(error, AttributeError):
        if error.name is not None:
            return error.name, dotted(error.obj)
        found = NO_ATTRIBUTE.match(message)
        return (found.group(2), found.group(1)) if found else (None, None)
    if isinstance(error, NameError):
        return error.name, None
    if isinstance(error, FileNotFoundError):
        return in_lab(error.filename), None
    if any(kind.__name__ == "TemplateNotFound" for kind in type(error).__mro__):
        return getattr(error, "name", None), None
    return None, None


def in_lab(path):
    """A path as the page would write it: below the lab's own folder, which is each run's home, if it stands there."""
    home = os.path.join(os.environ.get("HOME") or "/", "")
    return path[len(home):] if isinstance(path, str) and len(home) > 1 and path.startswith(home) else path


def message_of(error):
    try:
        if isinstance(error, SyntaxError) and error.msg:
            return clean(error.msg)
        return clean(str(error))
    except BaseException:
        return "<unprintable %s>" % type(error).__name__


def raised(error, filename=None, depth=DEPTH):
    """An exception as a record; `filename` is that of the step, for a syntax error in the step's own code."""
    message = message_of(error)
    try:
        name, of = subject(error, message)
    except BaseException:
        name, of = None, None
    syntax = None
    if isinstance(error, SyntaxError) and filename is not None and error.filename == filename and error.lineno:
        syntax = [max(error.lineno, 1), max(error.offset or 1, 1)]
    cause = error.__cause__
    if cause is None and not error.__suppress_context__:
        cause = error.__context__
    return {
        "class": clean(type(error).__name__),
        "bases": [clean("%s.%s" % (kind.__module__, kind.__qualname__)) for kind in type(error).__mro__ if kind is not object],
        "message": message,
        "frames": traceback_frames(error.__traceback__),
        "name": None if name is None else clean(name, 500),
        "object": None if of is None else clean(of, 500),
        "syntax": syntax,
        "cause": raised(cause, filename, depth - 1) if cause is not None and depth > 1 else None,
    }


def warning(message, frames):
    """A `warnings.WarningMessage` as a record."""
    category = message.category
    if not frames or issubclass(category, SyntaxWarning) and not any(at["file"] == message.filename for at in frames):
        # The compiler warns of text that does not run yet, so no frame shows its place.
        frames = frames + [{"file": clean(message.filename), "line": message.lineno, "function": "<module>", "module": ""}]
    return {
        "category": clean(category.__name__),
        "bases": [kind.__name__ for kind in category.__mro__[1:] if issubclass(kind, Warning)],
        "message": clean(str(message.message)),
        "frames": frames,
    }


INNER = (ast.For, ast.AsyncFor, ast.While, ast.If, ast.With, ast.AsyncWith, ast.Try, getattr(ast, "TryStar", ast.Try), ast.Match)


def has_inner(tree):
    """Whether some statement of a program stands inside another, functions and classes apart: only then can a line be missed."""
    return any(isinstance(statement, INNER) for statement in tree.body)


def missed(tree, code, hit):
    """The ranges of lines that carry code and never ran, function bodies and `except` suites apart. `hit` holds the lines that ran."""
    carrying = {line for _, _, line in code.co_lines() if line}
    ranges = []

    def visit(statements):
        for statement in statements:
            first, last = statement.lineno, statement.end_lineno
            suites = [getattr(statement, part, None) for part in ("body", "orelse", "finalbody")] if isinstance(statement, INNER) else []
            suites = [suite for suite in suites if suite]
            if isinstance(statement, ast.Match):
                suites = [case.body for case in statement.cases]
            head = range(first, max(first, (suites[0][0].lineno - 1) if suites else last) + 1)
            if isinstance(statement, (ast.Try, INNER[7])):
                head = range(0)
            ran = any(line in hit for line in head)
            if not ran and any(line in carrying for line in head):
                ranges.append([first, last])
                continue
            if isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.unparse(statement.test):
                suites = suites[1:]
            for suite in suites:
                visit(suite)

    visit(tree.body)
    joined = []
    for first, last in sorted(ranges):
        if joined and first <= joined[-1][1] + 1:
            joined[-1][1] = max(last, joined[-1][1])
        else:
            joined.append([first, last])
    return joined
