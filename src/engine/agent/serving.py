"""The lab's Flask application: servers that return at once, requests and probes through its own test client."""
import contextvars
import functools
import importlib
import inspect
import logging
import sys
import threading
import time

from proctor_agent import places

TEXT = 1 << 16
PATIENCE = 1.5
NAMES = ("app", "application", "flask_app", "api")
FACTORIES = ("create_app", "make_app", "build_app", "app_factory")
TEXTUAL = ("text/", "application/json", "application/xml", "application/javascript", "application/problem", "image/svg")


class Serving:
    """Everything about applications in one lab."""

    # That of the lab that runs in this process.
    here = None

    def __init__(self, lab):
        self.lab = lab
        self.served, self.clients, self.made, self.requested = [], {}, {}, set()
        Serving.here = self

    # Servers.

    def serve(self, port):
        """Serves the lab's application on a port of its loopback, from a thread, until the lab ends. Whether it does."""
        app = self.find(None)
        if app is None:
            return False
        try:
            server = importlib.import_module("werkzeug.serving").make_server("127.0.0.1", port, app, threaded=True)
        except (OSError, SystemExit):
            return False
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return True

    # Finding the application.

    def is_app(self, thing):
        flask = sys.modules.get("flask")
        return flask is not None and isinstance(thing, flask.Flask)

    def apps(self):
        """Every application that the lab's modules bind or that served."""
        found = [thing for module in self.lab.modules() for thing in vars(module).values() if self.is_app(thing)]
        return list({id(thing): thing for thing in found + self.served + list(self.made.values()) if self.is_app(thing)}.values())

    def find(self, spec):
        if spec:
            module, _, name = spec.partition(":")
            module = sys.modules["__main__"] if module == "__main__" else importlib.import_module(module)
            thing = module
            for part in (name or "app").removesuffix("()").split("."):
                thing = getattr(thing, part)
            if self.is_app(thing) or not callable(thing):
                return thing
            return self.make(thing)
        spaces = [vars(module) for module in self.lab.modules()]
        for space in spaces:
            apps = {name: thing for name, thing in space.items() if self.is_app(thing)}
            for name in (*NAMES, *reversed(apps)):
                if name in apps:
                    return apps[name]
        if self.served:
            return self.served[-1]
        for space in spaces:
            for name in FACTORIES:
                factory = space.get(name)
                if inspect.isfunction(factory) and not any(needed(one) for one in inspect.signature(factory).parameters.values()):
                    app = self.make(factory)
                    if self.is_app(app):
                        return app
        return None

    def make(self, factory):
        if factory not in self.made:
            self.made[factory] = factory()
        return self.made[factory]

    def client(self, app):
        if id(app) not in self.clients:
            self.clients[id(app)] = app.test_client()
        return self.clients[id(app)]

    # Requests.

    def request(self, step):
        app = self.find(step.get("app"))
        if app is None:
            raise NoApplication("the lab defines no Flask application")
        options = {"method": step.get("method") or "GET", "headers": [tuple(pair) for pair in step.get("headers") or []]}
        if step.get("json") is not None:
            options["json"] = step["json"]
        elif step.get("body") is not None:
            options["data"] = step["body"]
        elif step.get("form"):
            form = {}
            for name, value in step["form"]:
                form.setdefault(name, []).append(value)
            options["data"] = form
        return self.ask(app, step["path"], options, step.get("follows", False))

    def probe(self, step):
        app = self.find(step.get("app"))
        passed = True
        for path in [] if app is None else [*probes(app), *self.converted(app, step.get("paths") or ())]:
            if ("GET", path) not in self.requested:
                passed = self.ask(app, path, {"method": "GET"}, False) and passed
        return passed

    def converted(self, app, named):
        """Of each rule whose arguments the lab's own converters take from the URL, the first path that the page names: what they make of it, the lab itself says."""
        urls = app.url_map.bind("localhost")
        own = {module.__name__ for module in self.lab.modules()}
        for rule in app.url_map.iter_rules():
            kinds = [type(converter).__module__ for converter in getattr(rule, "_converters", {}).values()]
            if kinds and own.issuperset(kinds) and "GET" in (rule.methods or ()):
                yield from [path for path in named if matches(urls, path, rule)][:1]

    def ask(self, app, path, options, follows):
        """One request. Whether its answer is not a server error."""
        self.requested.add((options["method"], path.partition("?")[0]))
        errors = []
        # An empty context: an application context that the lab has pushed must not lend its `g` to a request.
        response = contextvars.Context().run(self.open, app, path, options, follows, errors)
        for error in errors:
            self.lab.record(places.raised(error), "raised")
        self.lab.record(response, "response")
        return response["status"] < 500

    def open(self, app, path, options, follows, errors):
        answer = {"method": options["method"], "path": path, "status": 500, "mimetype": "", "location": None, "text": ""}
        response = None
        with Quiet(app, errors):
            try:
                response = self.client(app).open(path, follow_redirects=follows, **options)
                answer.update(described(response))
            except Exception as error:
                if not any(error is seen for seen in errors):
                    errors.append(error)
            finally:
                if response is not None:
                    response.close()
        asked = getattr(response, "request", None)
        answer.update(view_of(app, getattr(asked, "path", path.partition("?")[0]), getattr(asked, "method", options["method"])))
        return answer


def hooks():
    """What to do with each library that would block a lab by serving."""
    return {
        "flask.app": lambda module: stub(module.Flask, "run", True),
        "flask_socketio": lambda module: stub(module.SocketIO, "run"),
        "werkzeug.serving": lambda module: stub(module, "run_simple"),
        "waitress": lambda module: stub(module, "serve"),
        "uvicorn": lambda module: stub(module, "run"),
        "gevent.pywsgi": lambda module: stub(module.WSGIServer, "serve_forever"),
        "socketserver": lambda module: stub(module.BaseServer, "serve_forever"),
    }


def stub(owner, name, remembers=False):
    """Serving returns at once in a lab's main thread; elsewhere (a thread, a forked process) it is the real thing."""
    real = getattr(owner, name, None)
    if real is None:
        return

    @functools.wraps(real)
    def serve(*arguments, **options):
        here = Serving.here
        if here is None or here.lab.channel.fd is None or threading.current_thread() is not threading.main_thread():
            return real(*arguments, **options)
        if remembers and arguments:
            here.served.append(arguments[0])
        return None

    setattr(owner, name, serve)


class NoApplication(LookupError):
    """A request found no application to answer it."""


class Quiet:
    """While it lasts, an exception of a view is noted and answered as in production: by the application's own 500 page, without a log."""

    def __init__(self, app, errors):
        self.app, self.errors = app, errors

    def __enter__(self):
        app = self.app
        self.kept = app.config.get("PROPAGATE_EXCEPTIONS")
        app.config["PROPAGATE_EXCEPTIONS"] = False
        answer = app.handle_exception

        def handle_exception(*arguments, **options):
            self.errors.append(arguments[-1])
            return answer(*arguments, **options)

        app.handle_exception = handle_exception
        app.log_exception = lambda *_arguments, **_options: None

    def __exit__(self, *_error):
        self.app.config["PROPAGATE_EXCEPTIONS"] = self.kept
        for name in ("handle_exception", "log_exception"):
            vars(self.app).pop(name, None)


def needed(parameter):
    return parameter.default is parameter.empty and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)


def probes(app):
    """The paths of the rules that answer GET and need no argument, in the order in which they were added."""
    paths = []
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.arguments or rule.build_only or getattr(rule, "websocket", False):
            continue
        if getattr(rule, "host", None) or rule.subdomain or rule.rule in paths:
            continue
        paths.append(rule.rule)
    return paths


def matches(urls, path, rule):
    """Whether a path is one of a rule's."""
    try:
        return urls.match(path, method="GET", return_rule=True)[0] is rule
    except Exception:
        return False


def described(response):
    """What a record holds of a response; a body that never ends is cut off."""
    mimetype = response.mimetype or ""
    text, size, until = [], 0, time.monotonic() + PATIENCE
    if mimetype.startswith(TEXTUAL) or mimetype.endswith(("+json", "+xml")):
        for chunk in response.iter_encoded():
            text.append(chunk)
            size += len(chunk)
            if size >= TEXT or time.monotonic() > until:
                break
    return {
        "status": response.status_code,
        "mimetype": mimetype,
        "location": response.headers.get("Location"),
        "headers": {name.lower(): places.clean(value, TEXT) for name, value in response.headers.items()},
        "text": places.clean(b"".join(text)[:TEXT].decode("utf-8", "replace"), TEXT),
    }


def view_of(app, path, method):
    """The endpoint that answers a path, and where its view function stands."""
    try:
        endpoint, _ = app.url_map.bind("localhost").match(path, method=method)
    except Exception:
        return {"endpoint": None, "view": None}
    view = app.view_functions.get(endpoint)
    kind = getattr(view, "view_class", None)
    if kind is not None:
        view = getattr(kind, method.lower(), None) or getattr(kind, "dispatch_request", None)
    code = getattr(inspect.unwrap(view), "__code__", None) if view is not None else None
    return {"endpoint": endpoint, "view": None if code is None else [code.co_filename, code.co_firstlineno]}
