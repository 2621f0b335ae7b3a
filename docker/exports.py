"""Write src/lab/exports.txt: what the packages of an environment export, a line a module. Run it with the environment's own Python."""
import importlib
import inspect
import warnings

MODULES = """flask flask.views flask.cli flask_sqlalchemy flask_migrate flask_wtf flask_wtf.file flask_wtf.csrf flask_login flask_socketio flask_babel flask_testing
sqlalchemy sqlalchemy.orm sqlalchemy.exc sqlalchemy.ext.declarative sqlalchemy.ext.hybrid sqlalchemy.ext.associationproxy sqlalchemy.sql
wtforms wtforms.fields wtforms.validators marshmallow marshmallow.fields marshmallow.validate werkzeug.security werkzeug.exceptions werkzeug.utils
jinja2 markupsafe celery redis pytest unittest typing datetime os json collections functools dataclasses pathlib""".split()

warnings.simplefilter("ignore")
for name in MODULES:
    try:
        module = importlib.import_module(name)
    except ImportError:
        continue
    public = getattr(module, "__all__", None)
    if public is None:
        package = name.split(".")[0]
        public = [
            key
            for key, value in vars(module).items()
            if not key.startswith("_") and not inspect.ismodule(value) and (getattr(value, "__module__", None) or package).split(".")[0] in (package, "werkzeug", "jinja2", "itsdangerous", "click", "markupsafe")
        ]
    print(f"{name}: {' '.join(sorted(set(public)))}")
