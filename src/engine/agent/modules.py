"""The lab's modules: files whose statements are steps, imported statement by statement."""
import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys

import proctor_agent


class LabFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """First on `sys.meta_path`: finds a module whose file has steps by its name or its file, and runs the steps as its body."""

    def __init__(self, root, steps, run):
        self.root, self.run = root, run
        self.by_name, self.by_file = {}, {}
        for step in steps:
            if step["do"] != "python" or step["module"] == "__main__":
                continue
            self.by_name.setdefault(step["module"], []).append(step)
            if step.get("file"):
                self.by_file.setdefault(step["file"], self.by_name[step["module"]])
        self.tails = {last_name(file) for file in self.by_file}

    def find_spec(self, name, path, target=None):
        steps = self.by_name.get(name)
        if steps is None:
            if name.rpartition(".")[2] not in self.tails:
                return None
            found = importlib.machinery.PathFinder.find_spec(name, path, target)
            if found is None or not found.origin or not found.origin.startswith(self.root + os.sep):
                return None
            steps = self.by_file.get(os.path.relpath(found.origin, self.root))
            if steps is None:
                return found
        file = steps[0].get("file") or name.replace(".", "/") + ".py"
        origin = os.path.join(self.root, file)
        package = os.path.basename(file) == "__init__.py"
        spec = importlib.util.spec_from_loader(name, self, origin=origin, is_package=package)
        spec.has_location = True
        spec.loader_state = steps
        if package:
            spec.submodule_search_locations = [os.path.dirname(origin)]
        return spec

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        for step in module.__spec__.loader_state:
            self.run(step, module)

    def get_source(self, name):
        spec = sys.modules[name].__spec__
        with open(spec.origin, encoding="utf-8") as file:
            return file.read()

    def get_filename(self, name):
        return sys.modules[name].__spec__.origin


def last_name(file):
    """The last part of the name by which a file is imported: `models` for `app/models.py`, `app` for `app/__init__.py`."""
    folder, base = os.path.split(file)
    return os.path.basename(folder) if base == "__init__.py" else os.path.splitext(base)[0]


def forget_shadowed(files):
    """A lab's `random.py` hides the library's, as it would for a reader, although the agent has loaded that one already."""
    own = {file.partition("/")[0].removesuffix(".py") for file in files if file.endswith(".py")}
    for name in list(sys.modules) if own else ():
        top = name.partition(".")[0]
        if top in own and top not in proctor_agent.started_with and top not in sys.builtin_module_names:
            del sys.modules[name]


class Afterwards(importlib.abc.MetaPathFinder):
    """Calls something once a library module is loaded, without loading it."""

    def __init__(self, hooks):
        self.hooks = {}
        for name, hook in hooks.items():
            if name in sys.modules:
                hook(sys.modules[name])
            else:
                self.hooks[name] = hook

    def find_spec(self, name, path, target=None):
        hook = self.hooks.pop(name, None)
        if hook is None:
            return None
        spec = importlib.util.find_spec(name) if path is None else importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is None or not hasattr(spec.loader, "exec_module"):
            return spec
        loader = spec.loader
        original = loader.exec_module

        def exec_module(module):
            original(module)
            hook(module)

        loader.exec_module = exec_module
        return spec
