//! What comments and prose say about outputs, held against what is printed and answered, through the real command.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::command::course;

const APPLICATION: &str = "from flask import Flask\n\napp = Flask(__name__)\n\n\n@app.route('/')\ndef home():\n    return '<h1>Hello,\\n <b>World</b>!</h1>'\n";

/// The findings of a page: code, line, what is expected and what came.
fn found(page: &str) -> Vec<(String, u64)> {
    let (_, report) = course().file("page.md", page).json(&["--no-snapshots", "page.md"]);
    let findings = report["lessons"][0]["findings"].as_array().unwrap().clone();
    findings.iter().map(|finding| (finding["code"].as_str().unwrap().to_owned(), finding["line"].as_u64().unwrap())).collect()
}

#[test]
fn wrong_claims_are_found_at_their_own_lines() {
    let page = format!(
        "# Claims\n\n```python\nprint(1 + 2)  # prints 4\nprint([1, 2])\n#> [1, 3]\nprint('Hello, Ada')  # Output: Hello, Bob\n```\n\n## Prose\n\n```python\nprint('Hello there')\n```\n\nIt prints\n\"Hello then\" and ends.\n\n## Answers\n\n```python\n{APPLICATION}```\n\nVisit http://127.0.0.1:5000/ and you should see `Hello, You!` in the browser.\n"
    );
    let wrong = |line| ("wrong-output".to_owned(), line);
    assert_eq!(found(&page), [wrong(4), wrong(6), wrong(7), wrong(17), wrong(32)]);
}

#[test]
fn true_claims_and_what_is_none_are_left_alone() {
    let page = format!(
        "# Claims\n\n```python\nprint(1 + 2)  # prints 3\nprint('x')  # -> \"x\"\nprint([1, 2])\n#> [1,2]\nprint('done')  # => see below\nfor x in range(2):\n    print(x)  # prints 0\nprint('a')\nprint('b')\n# Output:\n# a\n# b\n```\n\nYou should see `a` and the file `page.md`.\n\n## Answers\n\n```python\n{APPLICATION}```\n\nVisit http://127.0.0.1:5000/ and you should see `Hello, World!`. At http://127.0.0.1:5000/you it prints `Hello, You!` instead.\n"
    );
    assert_eq!(found(&page), []);
}

#[test]
fn commands_that_a_lab_leaves_out_run_where_the_page_asks_for_it() {
    let commands = "```console\n$ python3 -m venv --without-pip .venv\n$ . .venv/bin/activate\n$ python -c \"import flask\" 2>&1 | tail -n 1\nModuleNotFoundError: No module named 'flask'\n$ pip install flask\n$ python -c \"import flask; print(flask.__name__)\"\nflask\n$ ls -d .venv/bin/python\n.venv/bin/pythons\n```\n";
    assert_eq!(found(&format!("# Environment\n\n<!-- proctor: run -->\n{commands}")), [("wrong-output".to_owned(), 13)]);
    // Left out, the environment is not there to look into.
    assert_eq!(found(&format!("# Environment\n\n{commands}")), [("unsupplied".to_owned(), 11)]);
}

#[test]
fn commands_see_files_as_they_were_and_later_blocks_what_commands_left() {
    let page = "# Stages\n\nCreate `say.py`:\n\n```python title=\"say.py\"\nprint('one')\n```\n\n```console\n$ export GREETING=hello\n$ python say.py > first.txt\n$ cat first.txt\none\n```\n\nChange `say.py`:\n\n```python title=\"say.py\"\nimport sys\n\nprint('two', file=sys.stderr)\nprint('three')\n```\n\n```console\n$ python say.py\ntwo\nthree\n$ cat first.txt; echo $GREETING\none\nhello\n```\n\n```python\nprint(open('first.txt').read())\n```\n\n```text\none\n```\n";
    assert_eq!(found(page), []);
    assert_eq!(found(&page.replace("two\nthree", "three\ntwo")), [("wrong-output".to_owned(), 27)]);
    assert_eq!(found(&page.replace("one\nhello", "two\nhello")), [("wrong-output".to_owned(), 30)]);
}

#[test]
fn a_view_that_fails_as_the_page_says_is_no_finding() {
    let page = "# Failing\n\n```python\nfrom flask import Flask\n\napp = Flask(__name__)\n\n\n@app.get('/told')\ndef told():\n    raise LookupError('told')\n\n\n@app.get('/shown')\ndef shown():\n    return {}['shown']\n\n\n@app.get('/silent')\ndef silent():\n    raise LookupError('silent')\n```\n\n```python\nclient = app.test_client()\nprint(client.get('/shown').status)\n```\n\n```text\n500 INTERNAL SERVER ERROR\n```\n\n```python\nclient.get('/silent')\n```\n\n<!-- proctor: raises error=\"LookupError\" -->\n```python\napp.testing = True\nclient.get('/told')\n```\n";
    assert_eq!(found(page), [("http-error".to_owned(), 21)]);
}

#[test]
fn only_what_differs_from_run_to_run_is_excused() {
    let page = "# Chance\n\n```python\nimport secrets\n\nprint(len(secrets.token_hex()))\n```\n\n```text\n65\n```\n\n```python\nprint(secrets.randbelow(10**12))\n```\n\n```text\n12\n```\n\n```python title=\"size.py\"\nimport random\n\nprint(len(str(random.random())) > 1, id(object()) > 1)\n```\n\n```console\n$ python size.py\nTrue False\n$ echo 'print(1)' > one.py\n```\n\n```console\n$ python one.py\n2\n```\n";
    assert_eq!(found(page), [("wrong-output".to_owned(), 10), ("wrong-output".to_owned(), 29), ("wrong-output".to_owned(), 35)]);
}

#[test]
fn a_date_that_the_code_names_is_compared_and_todays_is_not() {
    let page = "# Dates\n\n```python\nimport datetime\n\nprint(datetime.date.fromisoformat('2025-03-09'), [datetime.date(2025, 3, 9)])\n```\n\n```text\n2025-03-09 [datetime.date(2021, 11, 24)]\n```\n\n```python\nprint(datetime.date.today())\n```\n\n```text\n2001-01-01\n```\n";
    assert_eq!(found(page), [("wrong-output".to_owned(), 10)]);
    assert_eq!(found(&page.replace("2021, 11, 24", "2025, 3, 9")), []);
}

#[test]
fn a_block_continues_the_file_that_it_names_and_an_output_is_of_the_file_that_it_names() {
    let page = "# Parts\n\n```python title=\"one.py\"\nprint('one')\nvalue = 1\n```\n\n```python title=\"two.py\"\nprint('two')\n```\n\n<!-- proctor: output of=\"one.py\" -->\n```text\nonce\n```\n\n<!-- proctor: continue of=\"one.py\" -->\n```python\nprint(value + 1)\n```\n\n```text\n3\n```\n\n<!-- proctor: continue of=\"three.py\" -->\n```python\nprint('three')\n```\n";
    assert_eq!(found(page), [("wrong-output".to_owned(), 14), ("wrong-output".to_owned(), 23), ("unknown-directive".to_owned(), 26)]);
    assert_eq!(found(&page.replace("once", "one").replace("\n3\n", "\n2\n").replace("three.py", "two.py")), []);
}

#[test]
fn what_a_page_says_that_it_raises_is_compared_word_by_word() {
    let page = "# Raised\n\n<!-- proctor: raises error=\"AttributeError\" -->\n```python\nimport json\n\njson.decoder.__version__\n```\n\n```text\nAttributeError: module 'json.encoder' has no attribute '__version__'\n```\n";
    assert_eq!(found(page), [("wrong-output".to_owned(), 11)]);
    assert_eq!(found(&page.replace("encoder", "decoder")), []);
}
