//! The language of code that nothing marks: by its shape where that is unmistakable, and else by parsing it.
//!
//! It never says more than the text shows: what fits nothing is `Text`.

use std::sync::LazyLock;

use regex::Regex;

use super::commands::{self, is_command, is_commands, is_sentence};
use crate::guide::Language;
use crate::python;

macro_rules! patterns {
    ($($name:ident = $pattern:literal;)*) => {
        $(static $name: LazyLock<Regex> = LazyLock::new(|| Regex::new($pattern).expect("the pattern is a constant"));)*
    };
}

patterns! {
    PYTHON_PROMPT = r"^\s*(>>>( |$)|In \[\d*\]: ?)";
    SHELL_PROMPT = r"^\s*(\([\w.-]+\) ?)?([\w.-]+@[\w.-]+[: ][^\s$#]* ?)?(\$|%|[~\w./-]*[~/][\w./-]*\$) +[^\s\d%]";
    ROOT_PROMPT = r"^\s*(\([\w.-]+\) ?)?([\w.-]+@[\w.-]+:[^\s$#]* ?)?# *([\w./-]+)";
    WINDOWS_PROMPT = r"^\s*(\([\w.-]+\) ?)?(PS( [A-Z]:[^>]*)? ?>|[A-Z]:\\[^>]*>)";
    WINDOWS_WORD = r"(?i)^\s*(> ?)?(set \w+=|py -\d|\$env:\w+ ?=|(\.\\)?\w+\\Scripts\\\w+|dir\b|copy \w|del \w|New-Item|Set-|Get-|Remove-Item|Invoke-)";
    ANGLE_PROMPT = r"^> ?[\w.\\]+";
    HTTP_MESSAGE = r"^\s*(HTTP/\d(\.\d)? \d{3}|(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) \S+ HTTP/\d)";
    TREE_ARM = r"^[\s│|]*(├|└|\|-|\|_|`-|\+-)";
    TREE_NAME = r"^\s*(\./?|/?[\w.@-]+(/[\w.@-]+)*/?)\s*(#.*)?$";
    TAG = r"(?i)^\s*<(!doctype|!--|/?[a-z][\w-]*([\s/>]|$))";
    CLOSED_TAG = r"(?i)</[a-z][\w-]*\s*>|<[a-z][^<>]*/>|<!doctype|<!--|<(html|head|body|br|hr|img|input|link|meta|p|li|tr|td|div|script|form)(\s[^<>]*)?>";
    TEMPLATE = r"^\s*(\{%|\{\{|\{#)";
    SQL = r"(?i)^\s*(select\s+[\w*][^(=]*\bfrom\b|select\s+[\w*'(]+[\w*'(),\s]*;|create\s+(or\s+replace\s+|temp(orary)?\s+|unique\s+)*(table|index|view|database|user|schema|extension|role|function|trigger)\b|insert\s+into\b|update\s+\w+\s+set\b|delete\s+from\b|drop\s+(table|index|view|database|user|schema)\b|alter\s+(table|user|database|role)\b|pragma\s+\w|grant\s+\w+.*\bon\b|with\s+\w+\s+as\s*\(|begin\s*(transaction)?\s*;|explain\s+\w)";
    SQL_PROMPT = r"(?i)^\s*(sqlite|mysql|mariadb( \[\S*\])?|[\w-]+[=-][#>]|\w+@\S+)> ?|^\s*[\w-]+=[#>] |^> *(select|insert|update|delete|create|drop|alter|show|use)\b";
    DOTENV = r"^\s*(export +)?[A-Za-z_][A-Za-z0-9_]*=\S*";
    LITERAL = r#"=(["'].*["']|\d+(\.\d+)?|True|False|None|\w+\(.*\)|[\[{(].*)\s*$"#;
    SECTION = r#"^\s*\[\[?[\w.:"' /*-]+\]\]?\s*$"#;
    KEY_VALUE = r"^\s*[\w.:-]+\s*=";
    YAML_KEY = r#"^(- )?\s*["']?[\w./ -]+["']?:(\s|$)"#;
    PYTHON_TYPE = r"^\s*\w+: *(int|str|float|bool|bytes|list|dict|set|tuple|None|Any|[A-Z]\w*\[.*\]?|\w+(\.\w+)+|\w+ *\| *\w+)\s*(=.*)?$";
    CSS_RULE = r"(?s)^\s*((@[\w-]+[^{};]*|[\w.#:*\[>~+][^{};=()|!?$&@%`]*(\([^{};]*\))?[^{};=|!?$&@%`]*)\{\s*([\w-]+\s*:[^{};]+;?|/\*|\}|[\w.#@])|/\*.*?\*/\s*[\w.#:*@\[][^{}=]*\{)";
    JAVASCRIPT = r#"(?m)^\s*((const|let|var) [\w{\[]|(async )?function\b.*\(|import .* from ['"]|export (default|const|function)|console\.\w+\(|(document|window)\.|\$\(|//|\w+\.addEventListener\()|=> *[{(]|\}\);?\s*$"#;
    PYTHON_START = r"^(from +[\w.]+ +import\b|import +\w|def +\w+ *\(|async +def |class +\w+ *[(:]|@\w[\w.]*(\(|$)|#!.*python|if __name__)";
    DOCKERFILE = r"(?m)^(FROM \S+|RUN |CMD \[|ENTRYPOINT|WORKDIR |COPY \S+ \S+)";
    PROCFILE = r"^(web|worker|release|clock|beat): *\S";
    NGINX = r"(?m)^\s*(server|upstream \w+|location \S+) *\{";
    REQUIREMENT = r"^[A-Za-z][\w.-]*(\[[\w,-]+\])? *((==|>=|~=|<=) *[\w.*]+,?)+\s*(#.*)?$";
}

/// The language of `text`, which nothing marks. Text that fits nothing, output above all, is [`Language::Text`].
#[must_use]
pub fn guess(text: &str) -> Language {
    if text.trim().is_empty() {
        return Language::Text;
    }
    if let Some(language) = shape(text) {
        return language;
    }
    if is_python_for_sure(text) {
        return Language::Python;
    }
    markup(text)
        .or_else(|| configuration(text))
        .or_else(|| is_python(text).then_some(Language::Python))
        .or_else(|| is_old_python(text).then_some(Language::Python))
        .or_else(|| code(text))
        .or_else(|| is_commands(text).then_some(Language::Shell))
        .unwrap_or(Language::Text)
}

/// What `text` is by its very shape: sessions with prompts, tracebacks, drawn trees, HTTP messages. Nothing else is claimed.
pub(super) fn shape(text: &str) -> Option<Language> {
    let first = written(text).next()?;
    // Comments may stand above the first line of a session.
    let command = written(text).find(|line| !line.trim_start().starts_with("# ")).unwrap_or(first);
    if PYTHON_PROMPT.is_match(command) {
        return Some(Language::PythonConsole);
    }
    if first.trim_start().starts_with("Traceback (most recent call last)") {
        return Some(Language::Text);
    }
    if HTTP_MESSAGE.is_match(first) {
        return Some(Language::Http);
    }
    if WINDOWS_PROMPT.is_match(first) || WINDOWS_WORD.is_match(first) && !first.trim_start().starts_with("set") || is_angle_session(text) {
        return Some(Language::WindowsShell);
    }
    if SHELL_PROMPT.is_match(command) && !parses(text) {
        let opens_python = written(text).any(|line| line.starts_with(">>> "));
        return Some(if opens_python { Language::PythonConsole } else { Language::Shell });
    }
    if is_root_session(text) || first.starts_with("#!") && first.trim_end().ends_with("sh") {
        return Some(Language::Shell);
    }
    if is_tree(text) {
        return Some(Language::Tree);
    }
    (TAG.is_match(first) && CLOSED_TAG.is_match(text)).then_some(Language::Html)
}

/// Whether `text`, dedented, is Python without an error.
#[must_use]
pub fn parses(text: &str) -> bool {
    let module = python::parse(&dedented(text));
    module.errors.is_empty() && !module.statements.is_empty()
}

/// Whether `text` is what a database console shows.
pub(super) fn is_sql_console(text: &str) -> bool {
    written(text).next().is_some_and(|line| SQL_PROMPT.is_match(line))
}

/// The lines with something on them.
fn written(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim().is_empty())
}

/// `text` without the indentation that all its lines share.
fn dedented(text: &str) -> String {
    let indent = written(text).map(|line| line.len() - line.trim_start_matches([' ', '\t']).len()).min().unwrap_or(0);
    text.lines().flat_map(|line| [line.get(indent..).unwrap_or(""), "\n"]).collect()
}

/// `> py -m venv`: the prompt that many pages give to cmd.exe. A quotation has it too, so a Windows word must follow somewhere.
fn is_angle_session(text: &str) -> bool {
    let mut prompts = written(text).filter(|line| ANGLE_PROMPT.is_match(line)).peekable();
    prompts.peek().is_some() && prompts.any(|line| WINDOWS_WORD.is_match(line) || line.split_whitespace().nth(1).is_some_and(is_command))
}

/// `# apt install x`: root's prompt, which a comment has too, so a known command must follow in each such line and nothing may stand without it at first.
fn is_root_session(text: &str) -> bool {
    let mut lines = written(text);
    let is_prompt = |line: &str| {
        ROOT_PROMPT.captures(line).is_some_and(|found| {
            let rest = &line[found.get(0).map_or(0, |whole| whole.end())..];
            let host = found.get(2).is_some();
            host || is_command(&found[3])
                && !is_sentence(line)
                && (rest.trim().is_empty() || rest.starts_with(' '))
                && found[3].chars().all(|c| !c.is_uppercase())
        })
    };
    lines.next().is_some_and(is_prompt) && lines.all(|line| !line.starts_with('#') || is_prompt(line)) && !parses_with_code(text)
}

/// Whether there is Python in it that is not a comment.
fn parses_with_code(text: &str) -> bool {
    !python::parse(&dedented(text)).statements.is_empty() && parses(text)
}

/// A tree drawn with arms, or a list of names of which the indented ones stand under a directory.
fn is_tree(text: &str) -> bool {
    let lines: Vec<&str> = written(text).collect();
    let arms = lines.iter().filter(|line| TREE_ARM.is_match(line)).count();
    if arms > 0 {
        return arms * 2 >= lines.len().saturating_sub(1);
    }
    let names = lines.iter().filter(|line| TREE_NAME.is_match(line)).count();
    let directories = lines.iter().filter(|line| line.split('#').next().is_some_and(|name| name.trim_end().ends_with('/'))).count();
    lines.len() > 2 && names == lines.len() && directories > 0 && lines.iter().any(|line| line.contains('.'))
}

/// HTML and templates.
fn markup(text: &str) -> Option<Language> {
    let first = written(text).next()?;
    if TEMPLATE.is_match(first) {
        return Some(if CLOSED_TAG.is_match(text) { Language::Html } else { Language::Jinja });
    }
    None
}

/// Files of keys and values, and other files that are known by their first lines.
fn configuration(text: &str) -> Option<Language> {
    let lines: Vec<&str> = written(text).filter(|line| !line.trim_start().starts_with('#')).collect();
    let first = *lines.first()?;
    if first.trim_start().starts_with('{') && serde_json::from_str::<serde_json::Value>(text).is_ok()
        || first.trim_start().starts_with('[') && text.contains('{') && serde_json::from_str::<serde_json::Value>(text).is_ok()
    {
        return Some(Language::Json);
    }
    if SECTION.is_match(first) && lines.iter().skip(1).any(|line| KEY_VALUE.is_match(line)) {
        return Some(if toml::from_str::<toml::Table>(text).is_ok() { Language::Toml } else { Language::Ini });
    }
    if lines.iter().all(|line| DOTENV.is_match(line) && !line.contains(" = ") && !REQUIREMENT.is_match(line))
        && lines.iter().any(|line| !LITERAL.is_match(line))
    {
        let is_command = |line: &&str| line.trim_start().starts_with("export ") || commands::is_assigned_command(line);
        return Some(if lines.iter().any(is_command) { Language::Shell } else { Language::Ini });
    }
    if lines.iter().all(|line| PROCFILE.is_match(line)) {
        return Some(Language::Other("procfile".to_owned()));
    }
    if is_ignore_list(&lines) {
        return Some(Language::Other("gitignore".to_owned()));
    }
    if lines.iter().all(|line| REQUIREMENT.is_match(line)) {
        return Some(Language::Other("requirements".to_owned()));
    }
    is_yaml(&lines).then_some(Language::Yaml)
}

/// Whether the lines are patterns of files: a word each, with a star or a folder's slash among them.
fn is_ignore_list(lines: &[&str]) -> bool {
    let is_pattern = |line: &str| line.contains("*.") || line.ends_with('/') || line.starts_with('.') || line.starts_with("__");
    lines.len() > 1
        && lines.iter().all(|line| !line.trim().contains([' ', '=', '(', ':', '"', '<']))
        && lines.iter().filter(|line| is_pattern(line.trim())).count() > 1
}

/// Whether text that its page calls a shell's cannot be typed into one: it is output, or a file that a command makes.
pub(super) fn not_shell(text: &str) -> Option<Language> {
    match guess(text) {
        Language::Text if written(text).next().is_some_and(commands::cannot_start) => Some(Language::Text),
        found @ Language::Other(_) => {
            Some(found).filter(|found| matches!(found, Language::Other(word) if word == "procfile" || word == "gitignore" || word == "requirements"))
        }
        _ => None,
    }
}

/// Whether every line at the margin is a key or an item, and none is one of Python's clauses or annotations.
fn is_yaml(lines: &[&str]) -> bool {
    let is_clause = |line: &str| {
        ["try", "else", "finally", "class", "def", "for", "if", "while", "with", "elif", "except", "match", "lambda"]
            .contains(&line.split([' ', ':']).next().unwrap_or(""))
    };
    let margin: Vec<&&str> = lines.iter().filter(|line| !line.starts_with([' ', '\t'])).collect();
    let is_key = |line: &str| YAML_KEY.is_match(line) && !is_clause(line) && !PYTHON_TYPE.is_match(line) && !is_sentence(line);
    margin.iter().any(|line| is_key(line)) && margin.iter().all(|line| is_key(line) || line.starts_with("- ") || **line == "---") && (lines.len() > 1)
}

/// Whether `text` opens as nothing but Python does: it is meant as Python even if it does not parse.
fn is_python_for_sure(text: &str) -> bool {
    let dedented = dedented(text);
    let mut lines = written(&dedented).filter(|line| !line.starts_with("# ")).peekable();
    let start = lines.peek().is_some_and(|line| PYTHON_START.is_match(line)) && !JAVASCRIPT.is_match(text);
    start || lines.any(|line| PYTHON_START.is_match(line)) && parses(text)
}

/// Whether `text` parses as Python and does something: a lone value or name is output as well.
fn is_python(text: &str) -> bool {
    let module = python::parse(&dedented(text));
    module.errors.is_empty() && module.statements.iter().any(|statement| !statement.bare)
}

/// Whether `text` is Python 2 and more than one line of it: a sentence can begin with "print" as well.
fn is_old_python(text: &str) -> bool {
    let quoted = text.contains(['"', '\'']);
    python::modernised(&dedented(text)).is_some_and(|module| module.statements.len() > 1 || quoted)
}

/// Languages that are not Python, by how their files start.
fn code(text: &str) -> Option<Language> {
    let uncommented = text.lines().skip_while(|line| line.trim().is_empty() || line.trim_start().starts_with("--")).collect::<Vec<_>>().join("\n");
    if SQL.is_match(&uncommented) || is_sql_console(text) {
        return Some(Language::Sql);
    }
    if DOCKERFILE.find_iter(text).count() > 1 {
        return Some(Language::Other("dockerfile".to_owned()));
    }
    if NGINX.is_match(text) {
        return Some(Language::Other("nginx".to_owned()));
    }
    if CSS_RULE.is_match(text) && text.contains(':') && !JAVASCRIPT.is_match(text) {
        return Some(Language::Css);
    }
    (JAVASCRIPT.is_match(text) && text.contains(['(', '='])).then_some(Language::JavaScript)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn unmarked_code_is_known_by_its_text() {
        let cases: &[(Language, &[&str])] = &[
            (
                Language::Python,
                &[
                    "x = 1\n",
                    "    from flask import Flask\n    app = Flask(__name__)\n",
                    "import os\nprint 'old'\n",
                    "for row in rows():\n    print row['name'], 'is here'\n",
                    "app.run()\n",
                    "# app.py\ndef f():\n    return 1\n",
                    "id: Mapped[int] = mapped_column(primary_key=True)\n",
                    "try:\n    f()\nexcept KeyError:\n    pass\n",
                    "DEBUG = True\nSECRET_KEY = 'dev'\n",
                    "with app.app_context():\n    db.create_all()\n",
                ],
            ),
            (Language::PythonConsole, &[">>> 1\n1\n", "In [1]: x\nOut[1]: 2\n", "$ python\nPython 3.13\n>>> 1 + 1\n2\n"]),
            (
                Language::Shell,
                &[
                    "$ ls\n",
                    "(venv) $ flask run\n",
                    "me@host:~/app$ ls -l\n",
                    "pip install flask\n",
                    "# install it\npip install flask\n",
                    "export FLASK_APP=hello\nflask run\n",
                    "FLASK_DEBUG=1 flask run\n",
                    "% flask run\n",
                    "# apt install redis\n",
                    "source venv/bin/activate\n",
                    "#!/bin/sh\nexec x\n",
                    "export A=b\n",
                ],
            ),
            (
                Language::WindowsShell,
                &[
                    "C:\\Users\\me> dir\n",
                    "PS C:\\> ls\n",
                    "> set FLASK_APP=hello\n> flask run\n",
                    "$env:FLASK_APP = \"hello\"\n",
                    "> py -3 -m venv .venv\n",
                    "PS> ls\n",
                ],
            ),
            (Language::Html, &["<!doctype html>\n<html>\n</html>\n", "{% extends 'a.html' %}\n<p>hi</p>\n", "<a href=\"{{ url_for('x') }}\">x</a>\n"]),
            (Language::Jinja, &["{% extends 'a.html' %}\n{% block a %}{% endblock %}\n", "{{ user.name }}\n"]),
            (Language::Css, &["body {\n  color: red;\n}\n", ".a > b, #c:hover { margin: 0 }\n", "@media print {\n  a { color: red }\n}\n"]),
            (Language::JavaScript, &["const x = () => {\n  return 1;\n};\n", "$(document).ready(function () {\n});\n", "import io from 'socket.io';\nio();\n"]),
            (Language::Sql, &["SELECT * FROM users;\n", "create table a (id integer);\n", "-- all\nDROP TABLE a;\n"]),
            (Language::Json, &["{\"a\": [1, 2]}\n", "[\n  {\"a\": null}\n]\n"]),
            (Language::Yaml, &["version: '3'\nservices:\n  web:\n    image: x\n", "- a: 1\n- b: 2\n"]),
            (Language::Toml, &["[tool.x]\nname = \"y\"\n"]),
            (Language::Ini, &["[app:main]\nurl = sqlite://\n", "FLASK_APP=hello\nFLASK_DEBUG=1\n"]),
            (Language::Tree, &["app/\n├── a.py\n└── b/\n", "|-- a\n|   `-- b\n", "/app\n    /static\n    /templates/\n        base.html\n"]),
            (Language::Http, &["GET / HTTP/1.1\nHost: x\n", "HTTP/1.1 200 OK\n"]),
            (
                Language::Text,
                &[
                    "",
                    "Hello, World!\n",
                    "42\n",
                    "<User 1>\n",
                    "[1, 2]\n",
                    " * Running on http://127.0.0.1:5000\n",
                    "Traceback (most recent call last):\n  x\n",
                    "make sure that this works.\n",
                    "print this\n",
                ],
            ),
        ];
        for (language, texts) in cases {
            for text in *texts {
                assert_eq!(guess(text), *language, "{text}");
            }
        }
        assert_eq!(guess("Flask==3.1.0\ngunicorn==21.2\n"), Language::Other("requirements".to_owned()));
        assert_eq!(guess("web: gunicorn app:app\n"), Language::Other("procfile".to_owned()));
        assert_eq!(guess("FROM python:3.13\nRUN pip install flask\n"), Language::Other("dockerfile".to_owned()));
    }

    #[test]
    fn hostile_text_has_a_language_too() {
        for (start, unit) in [
            ("", "("),
            ("", "[{\"a\":"),
            ("[a]\nb = ", "["),
            ("[a]\nb", ".b"),
            ("", "<a "),
            ("", "a {"),
            ("$ ", "a "),
            ("", "-"),
            ("a:\n", "- - "),
            ("", "a = 1; "),
        ] {
            let _ = guess(&format!("{start}{}", unit.repeat(30_000)));
        }
    }

    proptest! {
        #[test]
        fn any_text_has_a_language(text in r"([ \t]{0,4}([a-zA-Z$#>%.<{}\[\]=:/é\u{2514}-]|>>> |\n){0,12}\n?){0,6}") {
            let _ = guess(&text);
        }
    }
}
