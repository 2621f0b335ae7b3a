//! Which language a block is written in: by the page's word for it, and by its text where the page has none or is plainly wrong.
//!
//! Part of `Source --guide::parse--> Guide`. It never runs anything, and it never reads a text for longer than one pass of a parser takes.

mod commands;
mod guess;

use super::{Language, Role};

pub(super) use commands::is_command;
pub use guess::{guess, parses};

/// The language that an info string or a directive means by `word`, such as `py` or `html+jinja`; `None` if the word says nothing, as `default` does.
#[must_use]
pub fn from_word(word: &str) -> Option<Language> {
    let word = word.trim().to_ascii_lowercase();
    Some(match word.as_str() {
        "" | "default" | "guess" | "auto" | "code" | "highlight" => return None,
        "python" | "py" | "python3" | "py3" | "python2" | "py2" | "sage" | "cython" | "pyi" => Language::Python,
        "pycon" | "pycon3" | "python-console" | "python-repl" | "doctest" | "pycon+sql" | "ipython" | "ipython3" | "ipythonconsole" | "pydoctest" => {
            Language::PythonConsole
        }
        "bash" | "sh" | "shell" | "console" | "zsh" | "terminal" | "shell-session" | "shellsession" | "sh-session" | "bash-session" | "shellscript" | "ksh"
        | "fish" | "cli" => Language::Shell,
        "powershell" | "pwsh" | "posh" | "ps1" | "ps1con" | "pwsh-session" | "cmd" | "bat" | "batch" | "dosbatch" | "winbatch" | "doscon" | "dos" => {
            Language::WindowsShell
        }
        "html" | "htm" | "html5" | "xhtml" => Language::Html,
        "jinja" | "jinja2" | "html+jinja" | "html+jinja2" | "jinja-html" | "htmldjango" | "html+django" | "django" | "twig" | "html+twig" | "j2" | "liquid"
        | "text+jinja" => Language::Jinja,
        "css" => Language::Css,
        "js" | "javascript" | "jsx" | "mjs" | "node" => Language::JavaScript,
        "sql" | "sqlite" | "sqlite3" | "postgresql" | "postgres" | "pgsql" | "plpgsql" | "mysql" | "psql" => Language::Sql,
        "json" | "jsonc" | "json5" => Language::Json,
        "yaml" | "yml" => Language::Yaml,
        "toml" => Language::Toml,
        "ini" | "cfg" | "conf" | "env" | "dotenv" | "flaskenv" | "properties" => Language::Ini,
        "tree" | "treeview" | "filetree" | "directory" => Language::Tree,
        "http" | "https" => Language::Http,
        "text" | "txt" | "plain" | "plaintext" | "output" | "out" | "none" | "nohighlight" | "no-highlight" | "log" | "pytb" | "py3tb" | "traceback"
        | "ansi" => Language::Text,
        _ => Language::Other(word),
    })
}

/// The language of a block whose page calls it `word`, if it calls it anything. The word holds unless the text is plainly something else.
#[must_use]
pub fn resolve(word: Option<&str>, text: &str) -> Language {
    let Some(said) = word.and_then(from_word) else { return guess(text) };
    match said {
        Language::Python | Language::PythonConsole => python_or_other(text, said),
        Language::Shell => match guess::shape(text) {
            Some(found @ (Language::PythonConsole | Language::WindowsShell | Language::Tree | Language::Html | Language::Http | Language::Text)) => found,
            _ => guess::not_shell(text).unwrap_or(said),
        },
        Language::Text | Language::Tree | Language::Other(_) => match guess::shape(text) {
            Some(found @ (Language::PythonConsole | Language::Shell | Language::WindowsShell | Language::Tree)) => found,
            _ if said == Language::Tree => Language::Text,
            _ => said,
        },
        _ => said,
    }
}

/// What a block is that its page calls Python: a session if it has prompts, and something else only if it is no Python at all.
fn python_or_other(text: &str, said: Language) -> Language {
    match guess::shape(text) {
        Some(Language::PythonConsole) => return Language::PythonConsole,
        Some(found @ (Language::Shell | Language::WindowsShell | Language::Text | Language::Tree | Language::Http)) => return found,
        _ => {}
    }
    if guess::parses(text) {
        return Language::Python;
    }
    match guess(text) {
        found @ (Language::Shell | Language::WindowsShell | Language::Html | Language::Jinja) => found,
        // A session that is marked as one and has no prompts is Python, with whatever error it has.
        _ if said == Language::PythonConsole => Language::Python,
        _ => said,
    }
}

/// The word for a language in reports.
#[must_use]
pub fn name(language: &Language) -> &str {
    match language {
        Language::Python => "python",
        Language::PythonConsole => "pycon",
        Language::Shell => "shell",
        Language::WindowsShell => "powershell",
        Language::Html => "html",
        Language::Jinja => "jinja",
        Language::Css => "css",
        Language::JavaScript => "js",
        Language::Sql => "sql",
        Language::Json => "json",
        Language::Yaml => "yaml",
        Language::Toml => "toml",
        Language::Ini => "ini",
        Language::Tree => "tree",
        Language::Http => "http",
        Language::Text => "text",
        Language::Other(word) => word,
    }
}

/// What a block of this language is for, as far as that can be said without its neighbours: plain text counts as output until its place says otherwise.
#[must_use]
pub fn role(language: &Language, text: &str) -> Role {
    if text.trim().is_empty() {
        return Role::Foreign("an empty block".to_owned());
    }
    match language {
        Language::Python => Role::Python,
        Language::PythonConsole => Role::Console,
        Language::Shell => Role::Shell,
        Language::WindowsShell => Role::Foreign("a command for Windows".to_owned()),
        Language::Sql if guess::is_sql_console(text) => Role::Foreign("a session of a database console".to_owned()),
        Language::Html
        | Language::Jinja
        | Language::Css
        | Language::JavaScript
        | Language::Sql
        | Language::Json
        | Language::Yaml
        | Language::Toml
        | Language::Ini => Role::File,
        Language::Tree => Role::Foreign("a directory tree".to_owned()),
        Language::Http => Role::Foreign("an HTTP message".to_owned()),
        Language::Text => Role::Output,
        Language::Other(word) if is_file_word(word) => Role::File,
        Language::Other(word) => Role::Foreign(format!("{word} code")),
    }
}

/// Whether blocks of this language are always the content of a file.
fn is_file_word(word: &str) -> bool {
    matches!(
        word,
        "dockerfile"
            | "docker"
            | "procfile"
            | "nginx"
            | "apache"
            | "requirements"
            | "gitignore"
            | "xml"
            | "scss"
            | "sass"
            | "less"
            | "md"
            | "markdown"
            | "rst"
            | "csv"
            | "makefile"
            | "systemd"
            | "svg"
            | "mako"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_without_regard_to_case() {
        assert_eq!(from_word("Python3"), Some(Language::Python));
        assert_eq!(from_word("html+jinja"), Some(Language::Jinja));
        assert_eq!(from_word("SQL"), Some(Language::Sql));
        assert_eq!(from_word("default"), None);
        assert_eq!(from_word("Ruby"), Some(Language::Other("ruby".to_owned())));
    }

    #[test]
    fn every_name_is_a_word_for_its_language() {
        for word in
            ["python", "pycon", "shell", "powershell", "html", "jinja", "css", "js", "sql", "json", "yaml", "toml", "ini", "tree", "http", "text", "rust"]
        {
            let language = from_word(word);
            assert_eq!(language.as_ref().map(name), Some(word));
        }
    }

    #[test]
    fn the_text_overrules_the_word_only_where_it_is_plain() {
        assert_eq!(resolve(Some("python"), ">>> 1 + 1\n2\n"), Language::PythonConsole);
        assert_eq!(resolve(Some("python"), "Traceback (most recent call last):\n  File \"a.py\", line 1\nKeyError: 1\n"), Language::Text);
        assert_eq!(resolve(Some("python"), "$ pip install flask\n"), Language::Shell);
        assert_eq!(resolve(Some("python"), "print 'hello'\n"), Language::Python);
        assert_eq!(resolve(Some("python"), "{% include 'a.py' %}\n"), Language::Jinja);
        assert_eq!(resolve(Some("pycon"), "x = 1\n"), Language::Python);
        assert_eq!(resolve(Some("console"), ">>> 1\n1\n"), Language::PythonConsole);
        assert_eq!(resolve(Some("bash"), "app\n├── app.py\n└── static\n"), Language::Tree);
        assert_eq!(resolve(Some("bash"), "FLASK_APP=hello flask run\n"), Language::Shell);
        assert_eq!(resolve(Some("bash"), "whatever --it is\n"), Language::Shell);
        assert_eq!(resolve(Some("sh"), "ImportError: cannot import name 'app'\n"), Language::Text);
        assert_eq!(resolve(Some("sh"), "*.pyc\n__pycache__/\n"), Language::Other("gitignore".to_owned()));
        assert_eq!(resolve(Some("text"), "$ flask run\n * Running on\n"), Language::Shell);
        assert_eq!(resolve(Some("text"), "x = 1\n"), Language::Text);
    }

    #[test]
    fn roles_follow_languages() {
        assert_eq!(role(&Language::Html, "<p>"), Role::File);
        assert_eq!(role(&Language::Python, "\n \n"), Role::Foreign("an empty block".to_owned()));
        assert_eq!(role(&Language::Sql, "sqlite> .tables\n"), Role::Foreign("a session of a database console".to_owned()));
        assert_eq!(role(&Language::Other("rust".to_owned()), "fn main() {}"), Role::Foreign("rust code".to_owned()));
    }
}
