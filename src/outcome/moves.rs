//! Known moves and removals in the packages that courses are about: what is gone, since when, and what took its place. Data with one look-up.

/// A name that is gone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Move {
    /// The module, or the attribute's last word.
    pub(crate) name: &'static str,
    /// In which release it went.
    pub(crate) since: &'static str,
    /// What to write instead.
    pub(crate) instead: &'static str,
}

/// Modules that are gone for good.
const MODULES: &[Move] = &[
    Move { name: "flask.ext", since: "Flask 1.0", instead: "import the extension's own package: `flask_login` for `flask.ext.login`" },
    Move { name: "urllib2", since: "Python 3.0", instead: "use `urllib.request`" },
    Move { name: "urlparse", since: "Python 3.0", instead: "use `urllib.parse`" },
    Move { name: "StringIO", since: "Python 3.0", instead: "use `io.StringIO`" },
    Move { name: "cStringIO", since: "Python 3.0", instead: "use `io.StringIO`" },
    Move { name: "ConfigParser", since: "Python 3.0", instead: "use `configparser`" },
    Move { name: "Queue", since: "Python 3.0", instead: "use `queue`" },
    Move { name: "cPickle", since: "Python 3.0", instead: "use `pickle`" },
    Move { name: "HTMLParser", since: "Python 3.0", instead: "use `html.parser`" },
    Move { name: "flask_cache", since: "Flask 1.0", instead: "the package is abandoned; use `flask_caching`" },
    Move { name: "flask_script", since: "Flask 2.0", instead: "the package is abandoned; use Flask's own command line" },
    Move { name: "flask.json.JSONEncoder", since: "Flask 2.3", instead: "use a `flask.json.provider.JSONProvider`" },
    Move { name: "distutils", since: "Python 3.12", instead: "use `setuptools` or `sysconfig`" },
    Move { name: "imp", since: "Python 3.12", instead: "use `importlib`" },
    Move { name: "asyncore", since: "Python 3.12", instead: "use `asyncio`" },
    Move { name: "werkzeug.contrib", since: "Werkzeug 1.0", instead: "its parts are packages of their own, such as `cachelib`" },
];

/// Names of Python 2 that are no built-ins any more.
const BUILTINS: &[Move] = &[
    Move { name: "unicode", since: "Python 3.0", instead: "use `str`" },
    Move { name: "xrange", since: "Python 3.0", instead: "use `range`" },
    Move { name: "raw_input", since: "Python 3.0", instead: "use `input`" },
    Move { name: "basestring", since: "Python 3.0", instead: "use `str`" },
    Move { name: "long", since: "Python 3.0", instead: "use `int`" },
    Move { name: "unichr", since: "Python 3.0", instead: "use `chr`" },
    Move { name: "reduce", since: "Python 3.0", instead: "import it from `functools`" },
];

/// Methods of `unittest.TestCase` that are gone, whatever older interpreter still has them.
const TEST_METHODS: &[Move] = &[
    Move { name: "assertEquals", since: "Python 3.12", instead: "use `assertEqual`" },
    Move { name: "assertNotEquals", since: "Python 3.12", instead: "use `assertNotEqual`" },
    Move { name: "assertAlmostEquals", since: "Python 3.12", instead: "use `assertAlmostEqual`" },
    Move { name: "assertNotAlmostEquals", since: "Python 3.12", instead: "use `assertNotAlmostEqual`" },
    Move { name: "assert_", since: "Python 3.12", instead: "use `assertTrue`" },
    Move { name: "assertRegexpMatches", since: "Python 3.12", instead: "use `assertRegex`" },
    Move { name: "assertNotRegexpMatches", since: "Python 3.12", instead: "use `assertNotRegex`" },
    Move { name: "assertRaisesRegexp", since: "Python 3.12", instead: "use `assertRaisesRegex`" },
    Move { name: "assertDictContainsSubset", since: "Python 3.12", instead: "compare with `{**whole, **part}`" },
    Move { name: "failUnless", since: "Python 3.12", instead: "use `assertTrue`" },
    Move { name: "failIf", since: "Python 3.12", instead: "use `assertFalse`" },
    Move { name: "failUnlessEqual", since: "Python 3.12", instead: "use `assertEqual`" },
];

/// The moves of methods that a test case calls on itself.
pub(crate) fn test_methods() -> impl Iterator<Item = &'static Move> {
    TEST_METHODS.iter()
}

/// The move of a module, by its dotted name or that of a package it is in.
pub(crate) fn module(name: &str) -> Option<&'static Move> {
    MODULES.iter().find(|gone| name == gone.name || name.strip_prefix(gone.name).is_some_and(|rest| rest.starts_with('.')))
}

/// The move of a built-in name.
pub(crate) fn builtin(name: &str) -> Option<&'static Move> {
    BUILTINS.iter().find(|gone| gone.name == name)
}
