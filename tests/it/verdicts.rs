//! Pages as a careful reader would judge them, through the real command: what became of each block, and what is found where.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::command::course;

/// The outcomes of a page's blocks, and its findings with their lines; what only informs is left out.
fn verdict(name: &str, page: &str) -> (Vec<String>, Vec<(String, u64)>) {
    let (_, report) = course().file(name, page).json(&["--no-snapshots", name]);
    let lesson = &report["lessons"][0];
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("none").to_owned();
    let outcomes = lesson["blocks"].as_array().unwrap().iter().map(|block| format!("{} {}", text(&block["fate"]), text(&block["outcome"]))).collect();
    let findings = lesson["findings"].as_array().unwrap().iter().filter(|finding| finding["code"] != "not-reached");
    (outcomes, findings.map(|finding| (text(&finding["code"]), finding["line"].as_u64().unwrap())).collect())
}

#[test]
fn python_2_is_a_syntax_error_at_its_own_line_wherever_it_stands() {
    let page = "Old\n===\n\nA handler::\n\n    def answer(ask):\n        try:\n            return ask()\n        except ValueError, error:\n            return None\n\nRows::\n\n    for row in [1, 2]:\n        print row, 'is here'\n\nA session:\n\n>>> print answer\nNone\n";
    let (outcomes, findings) = verdict("old.rst", page);
    assert_eq!(outcomes, ["run failed"; 3]);
    assert_eq!(findings, [("syntax-error".to_owned(), 9), ("syntax-error".to_owned(), 15), ("syntax-error".to_owned(), 19)]);
}

#[test]
fn what_dots_leave_out_is_not_wrong() {
    let page = "# Setup\n\n```python\nsetup(\n    name='shop',\n    ...,\n    zip_safe=False,\n)\n```\n\n```python\nfrom flask import Flask, make_response, render_template\n\napp = Flask(__name__)\n\n\n@app.route('/')\ndef index():\n    return make_response(render_template(...))\n```\n";
    let (outcomes, findings) = verdict("dots.md", page);
    assert_eq!(outcomes, ["static none", "run passed"]);
    assert_eq!(findings, [("unsupplied".to_owned(), 19)]);
}

#[test]
fn an_application_that_the_page_takes_for_granted_is_not_the_one_it_finds_later() {
    let page = "# Contexts of Flask\n\n```pycon\n>>> context = app.test_request_context('/?next=1')\n```\n\n```pycon\n>>> context.push()\n```\n\n## Signals\n\n```python\napp = current_app._get_current_object()\n```\n";
    let (outcomes, findings) = verdict("contexts.md", page);
    assert_eq!((&outcomes[..2], findings), (&["run passed".to_owned(), "run passed".to_owned()][..], Vec::new()));
}

#[test]
fn a_view_that_comes_after_a_request_fails_only_for_what_is_missing() {
    let page = "# Tests\n\n```python\nimport flask\n\napp = flask.Flask(__name__)\n\nwith app.test_client() as client:\n    assert client.get('/').status_code == 404\n```\n\nThe session of a request:\n\n```python\nwith app.test_client() as client:\n    client.get('/')\n    assert flask.session['cart'] == 2\n```\n\nAnother view:\n\n```python\n@app.route('/token')\ndef token():\n    return 'x'\n\nwith app.test_client() as client:\n    assert is_token(client.get('/token').text)\n```\n";
    let (outcomes, findings) = verdict("tests.md", page);
    assert_eq!(outcomes, ["run passed", "run incomplete", "run incomplete"]);
    assert_eq!(findings, [("unsupplied".to_owned(), 17), ("undefined-name".to_owned(), 28)]);
}

#[test]
fn templates_named_without_their_folder_are_found() {
    let page = "# Pages\n\n```python\nfrom flask import Flask, render_template\n\napp = Flask(__name__)\n\n\n@app.route('/')\ndef index():\n    return render_template('index.html')\n```\n\nThis is `base.html`:\n\n```html+jinja\n<body>{% block main %}{% endblock %}</body>\n```\n\nAnd `index.html`, which inherits from `base.html`:\n\n```html+jinja\n{% extends \"base.html\" %}\n{% block main %}Hello{% endblock %}\n```\n";
    let (outcomes, findings) = verdict("pages.md", page);
    assert_eq!((outcomes, findings), (vec!["run passed".to_owned(), "written none".to_owned(), "written none".to_owned()], Vec::new()));
}

#[test]
fn a_server_that_could_not_start_answers_nobody() {
    let page = "# Serving\n\n```python title=\"api.py\"\nfrom flask import Flask\nimport warehouse\n\napp = Flask(__name__)\n\nif __name__ == '__main__':\n    app.run()\n```\n\n```console\n$ curl http://127.0.0.1:5000/\n```\n";
    let (_, findings) = verdict("serving.md", page);
    assert_eq!(findings.first(), Some(&("missing-module".to_owned(), 5)));
    assert!(findings.iter().all(|(code, _)| code != "command-failed"), "{findings:?}");
}

#[test]
fn what_is_taken_from_further_down_brings_the_imports_of_its_block() {
    let page = "# Prices\n\n```python\nprint(prices['tea'])\n```\n\nwhere\n\n```python\nfrom json import loads\n\nprices = loads('{\"tea\": 3}')\n```\n\nwhich shows\n\n```text\nTea is 3.\n```\n";
    let (outcomes, findings) = verdict("prices.md", page);
    assert_eq!((outcomes, findings), (vec!["run passed".to_owned(), "run passed".to_owned(), "static none".to_owned()], Vec::new()));
}

#[test]
fn what_one_program_lends_another_is_judged_where_it_stands() {
    let page =
        "# Forms\n\n```python\nclass Form:\n    fields = ()\n```\n\n```python\nform = Form()\n```\n\nThis is `other.py`:\n\n```python\nform = Form()\n```\n";
    let (outcomes, findings) = verdict("forms.md", page);
    assert_eq!((outcomes, findings), (vec!["run passed".to_owned(); 3], Vec::new()));
}

#[test]
fn an_answer_is_not_held_against_an_application_that_did_not_come_up() {
    let page = "# Serving\n\n```python title=\"api.py\"\nfrom flask import Flask\nimport warehouse\n\napp = Flask(__name__)\nwarehouse.open(app)\n```\n\n```console\n$ curl http://127.0.0.1:5000/\nopen\n```\n";
    let (outcomes, findings) = verdict("answers.md", page);
    assert!(outcomes.iter().all(|outcome| outcome != "run passed"), "{outcomes:?}");
    assert!(findings.iter().all(|(code, _)| code != "wrong-output"), "{findings:?}");
}
