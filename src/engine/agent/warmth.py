"""What is loaded before the first fork, and the paths of a first use that every lab would pay for."""
import gc
import importlib
import importlib.machinery
import os
import re
import sys
import types
import warnings

WARM_RUNS = 2


def filters():
    """Every warning is let through, but what concerns the interpreter itself. Set before anything is loaded: a filter that hides a
    warning would also remember it as shown."""
    os.environ["SQLALCHEMY_WARN_20"] = "1"
    warnings.resetwarnings()
    warnings.simplefilter("always")
    for category in (ResourceWarning, ImportWarning, BytesWarning):
        warnings.simplefilter("ignore", category)


def warm(names, many):
    """Loads modules; where many labs follow, walks the paths of a first use as well."""
    filters()
    for name in names:
        try:
            importlib.import_module(name)
        except BaseException:
            continue
    for name, use in FIRST_USES.items() if many else ():
        if name in sys.modules:
            for _ in range(WARM_RUNS):
                try:
                    use()
                except BaseException:
                    break
    if many:
        # The classes that were made for it must not be seen by any lab.
        gc.collect()


def installed():
    """The installed distributions: name, as an index spells it, to version. Read from the names of folders, which is as good and far quicker;
    the folders' own files are asked where a name says too little."""
    found = {}
    for folder in sys.path:
        try:
            entries = os.listdir(folder or ".")
        except OSError:
            continue
        for entry in entries:
            if entry.endswith(".dist-info"):
                name, dash, version = entry.removesuffix(".dist-info").rpartition("-")
                if not dash:
                    return read()
                found.setdefault(normal(name), version)
            elif entry.endswith((".egg-info", ".egg-link")):
                return read()
    return found


def read():
    import importlib.metadata

    found = {}
    for distribution in importlib.metadata.distributions():
        try:
            found.setdefault(normal(distribution.metadata["Name"]), distribution.version)
        except Exception:
            continue
    return found


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def use_flask():
    import flask

    app = flask.Flask("warm")
    app.add_url_rule("/", "index", lambda: flask.render_template_string("{{ 1 }}"))
    app.add_url_rule("/<int:number>", "number", lambda number: flask.jsonify(number=number))
    client = app.test_client()
    client.get("/")
    client.get("/1").get_json()
    client.get("/none")
    rehearse(app)


def rehearse(app):
    """Asks an application what labs are asked."""
    from proctor_agent import inspection, serving

    module = types.ModuleType("warm")
    module.app = app
    stage = types.SimpleNamespace(modules=lambda: [module], record=lambda *_: None, names=())
    stage.serving = serving.Serving(stage)
    stage.serving.probe({})
    list(inspection.findings(stage))


def use_sqlalchemy():
    import sqlalchemy
    from sqlalchemy import orm

    base = orm.declarative_base()
    link = sqlalchemy.Table(
        "link",
        base.metadata,
        sqlalchemy.Column("parent_id", sqlalchemy.ForeignKey("parent.id"), primary_key=True),
        sqlalchemy.Column("friend_id", sqlalchemy.ForeignKey("friend.id"), primary_key=True),
    )

    class Parent(base):
        __tablename__ = "parent"
        id = sqlalchemy.Column(sqlalchemy.Integer, primary_key=True)
        name = sqlalchemy.Column(sqlalchemy.String(20))
        children = orm.relationship("Child", back_populates="parent")
        friends = orm.relationship("Friend", secondary=link, back_populates="parents")

    class Child(base):
        __tablename__ = "child"
        id = sqlalchemy.Column(sqlalchemy.Integer, primary_key=True)
        parent_id = sqlalchemy.Column(sqlalchemy.ForeignKey("parent.id"))
        parent = orm.relationship("Parent", back_populates="children")

    class Friend(base):
        __tablename__ = "friend"
        id = sqlalchemy.Column(sqlalchemy.Integer, primary_key=True)
        parents = orm.relationship("Parent", secondary=link, back_populates="friends")

    engine = sqlalchemy.create_engine("sqlite://")
    base.metadata.create_all(engine)
    with orm.Session(engine) as session:
        session.add(Parent(name="warm", children=[Child()], friends=[Friend()]))
        session.commit()
        session.execute(sqlalchemy.select(Parent).join(Child)).scalars().all()
        for parent in session.scalars(sqlalchemy.select(Parent).order_by(Parent.id)):
            len(parent.children) + len(parent.friends)
    engine.dispose()
    base.registry.dispose()


FIRST_USES = {"flask": use_flask, "sqlalchemy": use_sqlalchemy}
