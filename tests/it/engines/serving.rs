//! Labs with an application: requests, probes, servers.

use proctor::engine::Ending;
use proctor::engine::protocol::{Action, Request, Verdict};

use super::bench::{Bench, finished, lab, printed, raised, responses, verdict, warnings};
use super::{Case, cases};

pub(crate) const CASES: [Case; 7] = cases![
    serving_returns_at_once_and_requests_keep_cookies,
    a_probe_finds_the_view_that_raises,
    a_factory_is_called,
    a_server_answers_curl,
    old_orm_calls_warn,
    servers_give_way_to_the_next,
    a_machine_without_curl_and_bash_has_both_needs_met,
];

const APP: &str = "\
from flask import Flask, request, session
app = Flask(__name__)
app.secret_key = 'x'
@app.route('/')
def index():
    session['n'] = session.get('n', 0) + 1
    return 'hello %d' % session['n']
@app.post('/form')
def form():
    return {'name': request.form['name'], 'json': request.get_json(silent=True)}
@app.route('/bad')
def bad():
    print('in bad')
    return 1 / 0
@app.route('/<int:n>')
def number(n):
    return str(n)
";

async fn serving_returns_at_once_and_requests_keep_cookies(bench: &Bench) {
    let post = Request { method: "POST".to_owned(), path: "/form".to_owned(), form: vec![("name".to_owned(), "Ada".to_owned())], ..Request::default() };
    let steps = lab().py(APP).py("if __name__ == '__main__':\n    app.run(debug=True)").get("/").get("/").action(Action::Request(post)).get("/none");
    let run = bench.run(steps).await;
    assert_eq!(run.ending, Ending::Finished);
    assert_eq!(responses(&run, 4)[0].text, "hello 2");
    let form = &responses(&run, 5)[0];
    assert_eq!((form.status, form.mimetype.as_str(), form.endpoint.as_deref()), (200, "application/json", Some("form")));
    assert!(form.text.contains("Ada"), "{}", form.text);
    assert_eq!(form.view, Some(("guide.md".to_owned(), 17)));
    assert_eq!((responses(&run, 6)[0].status, verdict(&run, 6)), (404, Some(Verdict::Passed)));
}

async fn a_probe_finds_the_view_that_raises(bench: &Bench) {
    let run = bench.run(lab().py(APP).get("/").action(Action::Probe { app: None, paths: Vec::new() })).await;
    let asked: Vec<_> = responses(&run, 3).into_iter().map(|response| (response.path, response.status)).collect();
    assert_eq!(asked, [("/bad".to_owned(), 500)]);
    assert_eq!((verdict(&run, 3), printed(&run, 3).as_str()), (Some(Verdict::Failed), "in bad\n"));
    let error = raised(&run, 3);
    assert_eq!((error.class.as_str(), error.frames.last().map(|frame| (frame.file.as_str(), frame.line))), ("ZeroDivisionError", Some(("guide.md", 23))));
}

async fn a_factory_is_called(bench: &Bench) {
    let code = "from flask import Flask\ndef create_app(config=None):\n    app = Flask(__name__)\n    @app.get('/made')\n    def made():\n        return 'made'\n    return app";
    let run = bench.run(lab().module("site_of", Some("site_of.py"), code).py("import site_of").action(Action::Probe { app: None, paths: Vec::new() })).await;
    assert_eq!(responses(&run, 3).iter().map(|response| response.text.as_str()).collect::<Vec<_>>(), ["made"]);
    let run = bench.run(lab().py("x = 1").get("/")).await;
    assert_eq!((verdict(&run, 2), raised(&run, 2).class.as_str()), (Some(Verdict::Failed), "NoApplication"));
}

async fn a_server_answers_curl(bench: &Bench) {
    let app = "from flask import Flask\napp = Flask(__name__)\n@app.route('/')\ndef index():\n    return 'served\\n'\nif __name__ == '__main__':\n    app.run(port=5017)\n";
    let steps = lab()
        .file("app.py", app)
        .sh("python app.py")
        .sh("curl http://127.0.0.1:5017/")
        .sh("export FLASK_APP=app\nflask run --port 5018")
        .sh("echo $FLASK_APP; curl -s -o /dev/null -w '%{http_code}\\n' localhost:5018/none")
        .sh("curl http://127.0.0.1:5019/");
    let run = bench.run(steps).await;
    assert_eq!((printed(&run, 2).as_str(), finished(&run, 1)), ("served\n", Some((Verdict::Passed, None, None))), "{run:#?}");
    assert_eq!(printed(&run, 4), "app\n404\n", "{run:#?}");
    assert_eq!((finished(&run, 5), run.ending), (Some((Verdict::Failed, None, Some(7))), Ending::Finished));
}

async fn old_orm_calls_warn(bench: &Bench) {
    let code = "from sqlalchemy.ext.declarative import declarative_base\nBase = declarative_base()";
    let run = bench.run(lab().py(code)).await;
    let warning = &warnings(&run, 1)[0];
    assert_eq!((warning.category.as_str(), warning.bases.last().map(String::as_str)), ("MovedIn20Warning", Some("Warning")));
    let first = &warning.frames[0];
    assert_eq!((first.file.as_str(), first.line, first.column), ("guide.md", 11, Some(7)));
    assert!(warning.frames.iter().any(|frame| frame.module.starts_with("sqlalchemy.")), "{warning:#?}");
}

async fn servers_give_way_to_the_next(bench: &Bench) {
    let app = |said: &str| format!("from flask import Flask\napp = Flask(__name__)\n@app.route('/')\ndef index():\n    return '{said}\\n'\n");
    let steps = || {
        lab()
            .file("one.py", &app("one"))
            .file("two.py", &app("two"))
            .sh("flask --app one run &\ncurl -s http://localhost:5000/")
            .sh("gunicorn -b 127.0.0.1:5000 two:app")
            .sh("curl -s http://localhost:5000/")
            .limits(|limits| limits.seconds = 60)
    };
    let (run, other) = tokio::join!(bench.run(steps()), bench.run(steps()));
    for run in [run, other] {
        assert!(printed(&run, 1).contains("Running on http://127.0.0.1:5000") && printed(&run, 1).ends_with("one\n"), "{run:#?}");
        assert_eq!((printed(&run, 3).as_str(), run.ending.clone()), ("two\n", Ending::Finished), "{run:#?}");
    }
}

async fn a_machine_without_curl_and_bash_has_both_needs_met(bench: &Bench) {
    let app = "from flask import Flask, request, session\napp = Flask(__name__)\napp.secret_key = 'x'\n@app.route('/', methods=['GET', 'POST'])\ndef index():\n    session['n'] = session.get('n', 0) + 1\n    return {'n': session['n'], 'form': request.form, 'json': request.get_json(silent=True), 'files': list(request.files), 'x': request.headers.get('X-A')}\n@app.get('/old')\ndef old():\n    from flask import redirect\n    return redirect('/')\n";
    let steps = lab()
        .file("app.py", app)
        .py("import os, sys\nos.environ['PATH'] = os.path.dirname(sys.executable)")
        .sh("flask run --port 5021")
        .sh("u=http://127.0.0.1:5021; curl -s -c jar -d 'a=1&b=2' -H 'X-A: y' $u/; curl -s -b jar -XPOST --json '{\"k\": 1}' $u; curl -s -F f=@app.py -F g=h $u")
        .sh("curl -i $u/old; curl -sL -o out -w '%{http_code}\\n' $u/old; curl -f $u/none; echo $?; curl http://example.com/")
        .limits(|limits| limits.seconds = 60);
    let run = bench.run(steps).await;
    let lines: Vec<_> = printed(&run, 3).lines().map(str::to_owned).collect();
    let wanted = [
        r#"{"files":[],"form":{"a":"1","b":"2"},"json":null,"n":1,"x":"y"}"#,
        r#"{"files":[],"form":{},"json":{"k":1},"n":2,"x":null}"#,
        r#"{"files":["f"],"form":{"g":"h"},"json":null,"n":1,"x":null}"#,
    ];
    assert_eq!(lines, wanted, "{run:#?}");
    let text = printed(&run, 4);
    assert!(text.starts_with("HTTP/1.1 302 FOUND\r\n") && text.contains("Location: /\r\n"), "{text}");
    assert!(text.contains("</a>. If not, click the link.\n200\n") && text.contains("\n22\n"), "{text}");
    assert!(text.contains("error: 404") && text.contains("Could not resolve host: example.com"), "{text}");
    assert_eq!(finished(&run, 4), Some((Verdict::Failed, None, Some(6))));
}
