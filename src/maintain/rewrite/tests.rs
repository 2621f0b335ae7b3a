//! What moves make of pages, format by format.
#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::maintain::fix::edited;
use crate::source::Source;

fn lesson(path: &str, text: &str) -> Lesson {
    let source = Arc::new(Source::new(path, text));
    let guide = match path.rsplit('.').next().unwrap() {
        "html" => crate::guide::html::parse(&source, "page"),
        "rst" => crate::guide::rst::parse(&source, "page"),
        _ => crate::guide::markdown::parse(&source, "page"),
    };
    guide.chapters.into_iter().flat_map(|chapter| chapter.lessons).next().unwrap()
}

/// A page after every proposal that fits beside the earlier ones, again and again until there is none.
fn rewritten(path: &str, text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..6 {
        let lesson = lesson(path, &text);
        let mut edits: Vec<Edit> = Vec::new();
        for proposal in proposals(&lesson) {
            if crate::maintain::fix::fit(&edits, &proposal.edits) {
                edits.extend(proposal.edits);
            }
        }
        if edits.is_empty() {
            break;
        }
        edits.sort();
        text = edited(lesson.source.text(), &edits);
    }
    text
}

/// The same for code in a fence.
fn code(code: &str) -> String {
    let text = rewritten("a.md", &format!("# A\n\n```python\n{code}```\n"));
    text.strip_prefix("# A\n\n```python\n").unwrap().strip_suffix("```\n").unwrap().to_owned()
}

#[test]
fn an_import_that_moved_as_a_whole_changes_its_module_alone() {
    assert_eq!(
        code("from sqlalchemy.ext.declarative import declarative_base  # the base\nBase = declarative_base()\n"),
        "from sqlalchemy.orm import declarative_base  # the base\nBase = declarative_base()\n"
    );
    assert_eq!(
        code("from flask.ext.login import (\n    login_user,  # in\n    logout_user,\n)\n"),
        "from flask_login import (\n    login_user,  # in\n    logout_user,\n)\n"
    );
    assert_eq!(code("from flask.ext.login import a, \\\n     b\n"), "from flask_login import a, \\\n     b\n");
    assert_eq!(code("from flask.ext import login\nlogin.x()\n"), "import flask_login as login\nlogin.x()\n");
    assert_eq!(code("from flask.ext.wtf import *\n"), "from flask_wtf import *\n");
}

#[test]
fn one_line_is_split_where_only_some_of_it_moved() {
    assert_eq!(code("from flask import Flask, escape\nescape('<')\n"), "from flask import Flask\nfrom markupsafe import escape\nescape('<')\n");
    assert_eq!(code("from flask import escape, Flask, Markup\n"), "from flask import Flask\nfrom markupsafe import Markup, escape\n");
    assert_eq!(
        code("def f():\n    from flask import g, escape\n    return escape(g.x)\n"),
        "def f():\n    from flask import g\n    from markupsafe import escape\n    return escape(g.x)\n"
    );
    assert_eq!(code("from flask import escape as e, Flask\ne('<')\n"), "from flask import Flask\nfrom markupsafe import escape as e\ne('<')\n");
    assert_eq!(
        code("from flask.ext.wtf import Form, TextField, Required\nclass F(Form):\n    a = TextField(validators=[Required()])\n"),
        "from flask_wtf import FlaskForm\nfrom wtforms import StringField\nfrom wtforms.validators import DataRequired\nclass F(FlaskForm):\n    a = StringField(validators=[DataRequired()])\n"
    );
}

#[test]
fn new_names_are_followed_but_not_into_what_hides_them() {
    assert_eq!(
        code("from flask_wtf import Form\nclass A(Form):\n    pass\ndef f(Form):\n    return Form\ndef g():\n    return Form()\n"),
        "from flask_wtf import FlaskForm\nclass A(FlaskForm):\n    pass\ndef f(Form):\n    return Form\ndef g():\n    return FlaskForm()\n"
    );
    assert_eq!(code("from flask_wtf import Form as F\nclass A(F): pass\n"), "from flask_wtf import FlaskForm as F\nclass A(F): pass\n");
    let two = rewritten("a.md", "```python\nfrom flask_wtf import Form\n```\n\nThen:\n\n```python\nclass A(Form):\n    pass\n```\n");
    assert!(two.contains("import FlaskForm\n") && two.contains("class A(FlaskForm):"), "{two}");
    assert_eq!(code("from wtforms import validators\nx = [validators.Required()]\n"), "from wtforms import validators\nx = [validators.DataRequired()]\n");
    assert_eq!(code("import sqlalchemy.orm as orm\norm.relation('A')\n"), "import sqlalchemy.orm as orm\norm.relationship('A')\n");
}

#[test]
fn modules_of_python_2_have_other_names() {
    assert_eq!(code("import urllib2\nurllib2.urlopen('x')\n"), "import urllib.request\nurllib.request.urlopen('x')\n");
    assert_eq!(
        code("import urllib2\ntry:\n    urllib2.urlopen('x')\nexcept urllib2.URLError:\n    pass\n"),
        "import urllib.request, urllib.error\ntry:\n    urllib.request.urlopen('x')\nexcept urllib.error.URLError:\n    pass\n"
    );
    assert_eq!(code("import Queue\nqueue = Queue.Queue()\n"), "import queue as Queue\nqueue = Queue.Queue()\n");
    assert_eq!(code("from StringIO import StringIO\n"), "from io import StringIO\n");
    assert_eq!(code("for x in xrange(3):\n    unicode(x)\n"), "for x in range(3):\n    str(x)\n");
    assert_eq!(code("reduce(f, [1])\n"), "from functools import reduce\nreduce(f, [1])\n");
    assert_eq!(code("import itertools\nitertools.izip(a, b)\nd.iteritems()\nd.has_key(1)\n"), "zip(a, b)\nd.items()\n1 in d\n");
    assert_eq!(code("import cgi\ncgi.escape(x)\n"), "from html import escape\nescape(x)\n");
}

#[test]
fn calls_have_another_shape() {
    assert_eq!(code("u = session.query(User).get(  1 )\n"), "u = session.get(User, 1)\n");
    assert_eq!(
        code("db = SQLAlchemy(app)\nUser.query.get(1)\nUser.query.get_or_404(2)\nUser.query.get_or_404(3, description='no')\n"),
        "db = SQLAlchemy(app)\ndb.session.get(User, 1)\ndb.get_or_404(User, 2)\ndb.get_or_404(User, 3, description='no')\n"
    );
    assert_eq!(code("import sqlalchemy as sa\nq = sa.select([a, b])  # two\n"), "import sqlalchemy as sa\nq = sa.select(a, b)  # two\n");
    assert_eq!(
        code("from sqlalchemy.orm import mapper\nmapper(User, users)\n"),
        "from sqlalchemy.orm import registry\nregistry().map_imperatively(User, users)\n"
    );
    assert_eq!(
        code("from sqlalchemy import create_engine\ne = create_engine('x', convert_unicode=True)\nrows = e.execute('select 1').fetchall()\n"),
        "from sqlalchemy import create_engine, text\ne = create_engine('x')\nrows = e.connect().execute(text('select 1')).fetchall()\n"
    );
    assert_eq!(
        code("from sqlalchemy import create_engine\nengine = create_engine('x')\nif a:\n    engine.execute(users.insert(), name='b')\n"),
        "from sqlalchemy import create_engine\nengine = create_engine('x')\nif a:\n    with engine.begin() as connection:\n        connection.execute(users.insert(), name='b')\n"
    );
    assert_eq!(
        code(
            "from sqlalchemy import Table, create_engine\neng = create_engine('x')\nt = Table('t', m, autoload=True)\nu = Table('u', m, autoload=True, autoload_with=eng)\n"
        ),
        "from sqlalchemy import Table, create_engine\neng = create_engine('x')\nt = Table('t', m, autoload_with=eng)\nu = Table('u', m, autoload_with=eng)\n"
    );
    assert_eq!(
        code("from sqlalchemy.orm import joinedload\ns.query(User).options(joinedload('posts')).join('tags')\n"),
        "from sqlalchemy.orm import joinedload\ns.query(User).options(joinedload(User.posts)).join(User.tags)\n"
    );
    assert_eq!(code("', '.join('abc')\n"), "', '.join('abc')\n");
}

#[test]
fn times_know_their_zone() {
    assert_eq!(code("import datetime\nx = datetime.datetime.utcnow()\n"), "import datetime\nx = datetime.datetime.now(datetime.timezone.utc)\n");
    assert_eq!(
        code("from datetime import datetime\nx = Column(default=datetime.utcnow)\n"),
        "from datetime import datetime, timezone\nx = Column(default=lambda: datetime.now(timezone.utc))\n"
    );
}

#[test]
fn flask_s_hooks_and_stacks_are_elsewhere() {
    assert_eq!(code("@app.before_first_request\ndef init():\n    x()\n\ny = 1\n"), "def init():\n    x()\n\nwith app.app_context():\n    init()\n\ny = 1\n");
    assert_eq!(code("from flask import Flask, _app_ctx_stack\ntop = _app_ctx_stack.top\n"), "from flask import Flask, g\ntop = g\n");
    assert_eq!(
        code(
            "from flask.json import JSONEncoder\nclass E(JSONEncoder):\n    def default(self, o):\n        return JSONEncoder.default(self, o)\napp.json_encoder = E\n"
        ),
        "from flask.json.provider import DefaultJSONProvider\nclass E(DefaultJSONProvider):\n    def default(self, o):\n        return super().default(o)\napp.json = E(app)\n"
    );
    assert_eq!(
        code("class T(TestCase):\n    def test(self):\n        self.assertEquals(1, 1)\n"),
        "class T(TestCase):\n    def test(self):\n        self.assertEqual(1, 1)\n"
    );
}

#[test]
fn python_2_is_rewritten_where_all_of_it_parses_then() {
    assert_eq!(
        code("try:\n    print 'a', b\nexcept E, e:\n    print\n    raise F, 'no'\nexec 'x'\n"),
        "try:\n    print('a', b)\nexcept E as e:\n    print()\n    raise F('no')\nexec('x')\n"
    );
    assert_eq!(code("print 'a'\nx = = 1\n"), "print 'a'\nx = = 1\n");
}

#[test]
fn prompts_lists_and_quotes_stay() {
    assert_eq!(
        rewritten("a.rst", "A\n=\n\n>>> from flask import Flask, escape\n>>> escape('<')\nMarkup('&lt;')\n"),
        "A\n=\n\n>>> from flask import Flask\n>>> from markupsafe import escape\n>>> escape('<')\nMarkup('&lt;')\n"
    );
    assert_eq!(
        rewritten("a.md", "> - One:\n>\n>   ```python\n>   from flask import Flask, escape\n>   ```\n"),
        "> - One:\n>\n>   ```python\n>   from flask import Flask\n>   from markupsafe import escape\n>   ```\n"
    );
}

#[test]
fn a_page_of_html_stays_one() {
    assert_eq!(
        rewritten("a.html", "<h1>A</h1><pre><code>from sqlalchemy.orm import mapper\nx = 1 &lt; 2\nif x:\n    mapper(A, b &gt; c)\n</code></pre>"),
        "<h1>A</h1><pre><code>from sqlalchemy.orm import registry\nx = 1 &lt; 2\nif x:\n    registry().map_imperatively(A, b &gt; c)\n</code></pre>"
    );
    assert_eq!(
        rewritten("a.html", "<h1>A</h1><pre>&gt;&gt;&gt; from flask import Flask, escape\n&gt;&gt;&gt; escape('&lt;')\n</pre>"),
        "<h1>A</h1><pre>&gt;&gt;&gt; from flask import Flask\n&gt;&gt;&gt; from markupsafe import escape\n&gt;&gt;&gt; escape('&lt;')\n</pre>"
    );
    assert_eq!(
        rewritten(
            "a.html",
            "<pre><span class=\"k\">from</span> <span class=\"n\">flask.ext.login</span> <span class=\"k\">import</span> <span>a</span>\n</pre>"
        ),
        "<pre><span class=\"k\">from</span> <span class=\"n\">flask_login</span> <span class=\"k\">import</span> <span>a</span>\n</pre>"
    );
}

#[test]
fn what_is_current_is_left_alone() {
    let current = "from sqlalchemy.orm import declarative_base\nfrom flask import Flask\nimport queue\nBase = declarative_base()\nd = {}\nd.items()\nsession.get(User, 1)\n";
    assert_eq!(code(current), current);
    assert_eq!(code("def escape(x): return x\nescape(1)\nxrange = range\nxrange(2)\n"), "def escape(x): return x\nescape(1)\nxrange = range\nxrange(2)\n");
}

#[test]
fn every_shape_of_the_table_can_be_looked_for() {
    for one in crate::moves::of_kind(crate::moves::Kind::Shape) {
        assert!(python::Pattern::new(&one.old).is_some(), "{}", one.old);
    }
}

/// Statements that moves touch, and some that they do not.
const STATEMENTS: &[&str] = &[
    "from flask import Flask, escape, Markup",
    "from flask.ext.wtf import Form, TextField, Required",
    "from sqlalchemy.ext.declarative import declarative_base",
    "import urllib2",
    "import datetime as dt",
    "from datetime import datetime",
    "x = urllib2.urlopen(escape('a'))",
    "x = datetime.utcnow(), dt.datetime.utcnow()",
    "class F(Form):\n    name = TextField(validators=[Required()])",
    "y = session.query(User).get(xrange(3))",
    "engine.execute('select 1')",
    "z = engine.execute('select 1', [escape(x)])",
    "@app.before_first_request\ndef init():\n    return Markup(x)",
    "def f(escape):\n    return escape, Markup('é')",
    "for k, v in d.iteritems():\n    pass",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn edits_do_not_overlap_and_their_text_parses(picked in prop::collection::vec(0..STATEMENTS.len(), 1..7), html in any::<bool>()) {
        let code: String = picked.iter().map(|&index| format!("{}\n", STATEMENTS[index])).collect();
        let text = if html { format!("<pre>{code}</pre>") } else { format!("```python\n{code}```\n") };
        let lesson = lesson(if html { "a.html" } else { "a.md" }, &text);
        for proposal in proposals(&lesson) {
            prop_assert!(proposal.edits.windows(2).all(|pair| pair[0].span.end <= pair[1].span.start));
            let done = edited(lesson.source.text(), &proposal.edits);
            let done = if html { done.replace("<pre>", "").replace("</pre>", "") } else { done.replace("```python\n", "").replace("```\n", "") };
            let parsed = python::parse(&done);
            prop_assert!(parsed.errors.is_empty(), "{done}\n{:?}", parsed.errors);
        }
    }
}
