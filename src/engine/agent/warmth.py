"""What is loaded before the first fork, and the paths of a first use that every lab would pay for."""
import gc
import importlib
import importlib.machinery
import os
import re
import sys
import warnings

from proctor_agent import lab, packing

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
    if many:
        walk([first_use(texts) for name, texts in FIRST_USES.items() if name in sys.modules])


def walk(uses):
    """Goes through first uses, once to see what code they run, then with that code in its last place until it is as quick as it gets."""
    try:
        before = packing.state_of_code()
        for use in uses:
            lab.rehearse(use)
        gc.collect()
        packing.fill()
        packing.gather(before)
    except AttributeError:
        pass  # Another interpreter, which keeps its code in another way.
    for _ in range(WARM_RUNS):
        for use in uses:
            lab.rehearse(use)
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


# What labs do, in steps: each is gone through a few times before the first of them is forked.
PROBE = None
FLASK = (
    "from flask import Flask, jsonify, render_template_string, request, url_for\n",
    "app = Flask(__name__)\n",
    "@app.route('/')\ndef index():\n    return render_template_string('<p>{{ name }}</p>', name=request.args.get('name', 'all'))\n",
    "@app.get('/<int:number>')\ndef number(number):\n    return jsonify(number=number, path=url_for('index'))\n",
    "client = app.test_client()\n",
    "response = client.get('/1')\n",
    "print(response.status_code, response.get_json())\n",
    "assert client.get('/none').status_code == 404\n",
    PROBE,
)
SQLALCHEMY = (
    "from sqlalchemy import Column, ForeignKey, Integer, String, Table, create_engine, select\n",
    "from sqlalchemy.orm import Session, declarative_base, relationship\n",
    "Base = declarative_base()\n",
    "link = Table('link', Base.metadata, Column('parent_id', ForeignKey('parent.id'), primary_key=True),\n"
    "             Column('friend_id', ForeignKey('friend.id'), primary_key=True))\n",
    "class Parent(Base):\n    __tablename__ = 'parent'\n    id = Column(Integer, primary_key=True)\n    name = Column(String(20))\n"
    "    children = relationship('Child', back_populates='parent')\n    friends = relationship('Friend', secondary=link, back_populates='parents')\n",
    "class Child(Base):\n    __tablename__ = 'child'\n    id = Column(Integer, primary_key=True)\n    parent_id = Column(ForeignKey('parent.id'))\n"
    "    parent = relationship('Parent', back_populates='children')\n",
    "class Friend(Base):\n    __tablename__ = 'friend'\n    id = Column(Integer, primary_key=True)\n"
    "    parents = relationship('Parent', secondary=link, back_populates='friends')\n",
    "engine = create_engine('sqlite://')\n",
    "Base.metadata.create_all(engine)\n",
    "with Session(engine) as session:\n    session.add(Parent(name='warm', children=[Child()], friends=[Friend()]))\n    session.commit()\n"
    "    session.execute(select(Parent).join(Child)).scalars().all()\n",
    "with Session(engine) as session:\n    for parent in session.scalars(select(Parent).order_by(Parent.id)):\n"
    "        print(parent.name, len(parent.children) + len(parent.friends))\n",
    "engine.dispose()\nBase.registry.dispose()\n",
)
FIRST_USES = {"flask": FLASK, "sqlalchemy": SQLALCHEMY}


def first_use(texts):
    """Steps as a job."""
    steps = []
    for number, text in enumerate(texts):
        step = {"do": "python", "module": "__main__", "file": None, "filename": "warm.md", "line": 1, "code": text}
        steps.append(dict({"do": "probe", "app": None} if text is PROBE else step, id=number, judged=True))
    return {"files": [], "steps": steps}
