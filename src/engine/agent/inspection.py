"""What nobody calls in a lab, looked into all the same: methods that its classes call on themselves, converters of its URLs."""
import ast
import inspect

from proctor_agent import places


def findings(lab):
    """Exceptions that are sure to come, as records: nothing of the lab is called but its URL converters."""
    for module in list(lab.modules()):
        for kind in list(vars(module).values()):
            if isinstance(kind, type) and kind.__module__ == module.__name__:
                yield from missing_methods(kind, lab)
    for app in list(lab.serving.apps()):
        for kind in list(app.url_map.converters.values()):
            if any(kind.__module__ == module.__name__ for module in lab.modules()):
                error = round_trip(kind, app)
                if error is not None:
                    yield places.raised(error)


def missing_methods(kind, lab):
    """`self.name(...)` where neither the class nor a base has that name: each once, at its place."""
    if any(vars(base).get("__getattr__") for base in kind.__mro__) or kind.__mro__[1:] == (object,):
        return
    for function in [value for value in vars(kind).values() if inspect.isfunction(value)]:
        code = function.__code__
        if code.co_filename not in lab.names or not code.co_varnames:
            continue
        try:
            tree = ast.parse(dedented(inspect.getsource(function)))
        except (OSError, SyntaxError, TypeError):
            continue
        own = code.co_varnames[0]
        stored = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)}
        for node in ast.walk(tree):
            target = node.func if isinstance(node, ast.Call) else None
            if not (isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == own):
                continue
            if any(hasattr(one, target.attr) for one in family(kind)) or target.attr in stored or assigned(kind, target.attr):
                continue
            line = code.co_firstlineno + target.lineno - 1
            error = asked(kind, target.attr, code.co_filename, line)
            if error is not None:
                yield places.raised(error)


def family(kind):
    """A class and every class below it."""
    yield kind
    for below in type.__subclasses__(kind):
        yield from family(below)


def dedented(text):
    first = text[: len(text) - len(text.lstrip())]
    return "\n".join(line[len(first):] if line.startswith(first) else line for line in text.split("\n"))


def assigned(kind, name):
    """Whether a method of the class or a base sets the attribute on instances."""
    for base in kind.__mro__:
        for function in vars(base).values():
            code = getattr(function, "__code__", None)
            if code is not None and name in code.co_names:
                text = "self.%s =" % name
                try:
                    if text in inspect.getsource(function):
                        return True
                except (OSError, TypeError):
                    return True
    return False


def asked(kind, name, filename, line):
    """The exception of asking an instance for the attribute, with a frame at its place."""
    code = compile("\n" * (line - 1) + "__kind.%s" % name, filename, "eval")
    try:
        eval(code, {"__kind": kind, "__name__": kind.__module__})
    except AttributeError as error:
        return error
    except BaseException:
        return None
    return None


def round_trip(kind, app):
    """What goes wrong when a converter turns a part of a URL into a value and back, if its calls do not fit."""
    try:
        converter = kind(app.url_map)
        value = converter.to_python("a")
    except Exception:
        return None
    try:
        converter.to_url(value)
    except TypeError as error:
        return error
    except Exception:
        return None
    return None
