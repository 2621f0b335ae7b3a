"""Makes real modules of the agent's sources and starts it. The host puts `SOURCES` (module name to text) in front of this text.

The modules live in the package `proctor_agent`; their code is compiled with file names that begin with `<proctor>`, by which
tracebacks and warnings leave the agent's own frames out.
"""
import sys
import types

# What an interpreter has loaded before it runs anything: only that cannot be shadowed by a lab's own file.
STARTED_WITH = frozenset(sys.modules)
ORDER = ("places", "records", "modules", "serving", "curl", "shell", "inspection", "lab", "sweep", "seal", "services", "packing", "memory", "warmth", "zygote", "jobs", "main")


def load(sources):
    package = types.ModuleType("proctor_agent")
    package.__path__ = []
    package.started_with = STARTED_WITH
    sys.modules["proctor_agent"] = package
    for name in ORDER:
        module = types.ModuleType("proctor_agent." + name)
        module.__package__ = "proctor_agent"
        sys.modules[module.__name__] = module
        setattr(package, name, module)
        exec(compile(sources[name], "<proctor>/%s.py" % name, "exec", dont_inherit=True), module.__dict__)
    return package.main


sys.exit(load(SOURCES).main())
