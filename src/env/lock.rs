//! Reads requirements files: what is installed, and which of it was asked for. Pure; never judges whether pip will accept a line.

/// One requirement of an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// The distribution's name as an index spells it: lower case, with dashes.
    pub name: String,
    /// The version, where it is fixed.
    pub version: Option<String>,
    /// When it is installed: the environment marker as written, where there is one.
    pub marker: Option<String>,
    /// How many files of known content it may come from.
    pub hashes: usize,
    /// Whether somebody asked for it, or it only comes along with another.
    pub direct: bool,
}

/// A line that cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong and what to do.
    pub message: String,
}

/// What to import early, by the distribution that brings it: modules that most programs of the kind load, slow ones first of all. Nothing
/// here starts a thread or opens a connection when it is imported, because labs are forked from it.
const WARM: &[(&str, &[&str])] = &[
    ("celery", &["celery", "celery.app.base"]),
    ("email-validator", &["email_validator"]),
    ("flask", &["flask", "flask.cli", "flask.testing", "flask.views"]),
    ("flask-babel", &["flask_babel"]),
    ("flask-login", &["flask_login"]),
    ("flask-migrate", &["flask_migrate"]),
    ("flask-socketio", &["flask_socketio"]),
    ("flask-sqlalchemy", &["flask_sqlalchemy"]),
    ("flask-testing", &["flask_testing"]),
    ("flask-wtf", &["flask_wtf"]),
    ("marshmallow", &["marshmallow"]),
    ("psycopg", &["psycopg"]),
    ("pytest", &["pytest"]),
    ("redis", &["redis"]),
    ("requests", &["requests"]),
    ("sqlalchemy", &["sqlalchemy", "sqlalchemy.orm", "sqlalchemy.dialects.sqlite"]),
];

/// The modules of [`WARM`] that these requirements bring and somebody asked for.
pub(crate) fn warm(requirements: &[Requirement]) -> Vec<String> {
    let asked = |name: &str| requirements.iter().any(|requirement| requirement.direct && requirement.name == name);
    WARM.iter().filter(|(name, _)| asked(name)).flat_map(|(_, modules)| modules.iter().map(|module| (*module).to_owned())).collect()
}

/// The requirements of a requirements file, locked or not.
///
/// # Errors
/// At the first line that is no requirement, or that needs what an image is built without.
pub fn parse(text: &str) -> Result<Vec<Requirement>, Wrong> {
    let mut found: Vec<Requirement> = Vec::new();
    let mut lines = Vec::new();
    let mut explained = false; // some comment says where a requirement came from
    let mut in_via = false;
    for (line, whole) in logical_lines(text) {
        if let Some(comment) = whole.trim_start().strip_prefix('#') {
            // Locking tools write `# via flask`, or `# via` and a comment line for each reason, under the requirement.
            let comment = comment.trim();
            let reason = comment.strip_prefix("via").filter(|rest| rest.is_empty() || rest.starts_with(' '));
            in_via = reason.is_some() || (in_via && !comment.is_empty());
            if in_via && whole.starts_with([' ', '\t']) {
                explained = true;
                let reason = reason.unwrap_or(comment).trim();
                if let Some(last) = found.last_mut() {
                    last.direct |= reason.starts_with("-r ") || reason.contains("(pyproject.toml)");
                }
            }
            continue;
        }
        in_via = false;
        let code = without_comment(&whole);
        if code.is_empty() {
            continue;
        }
        if let Some(message) = needs_other_files(code) {
            return Err(Wrong { line, message });
        }
        if !code.starts_with('-') {
            let message = || format!("`{code}` is not a requirement: expected a line like `flask==3.1.3`");
            found.push(requirement(code).ok_or_else(|| Wrong { line, message: message() })?);
            lines.push(line);
        }
    }
    if let Some((index, message)) = contradiction(&found) {
        return Err(Wrong { line: lines[index], message });
    }
    if !explained {
        found.iter_mut().for_each(|requirement| requirement.direct = true);
    }
    Ok(found)
}

/// What a lock cannot say, by the index of the requirement that says it: pip would refuse it only after minutes, and in other words.
fn contradiction(found: &[Requirement]) -> Option<(usize, String)> {
    let again = "make the lock again with `proctor env lock`";
    if found.iter().any(|requirement| requirement.hashes > 0)
        && let Some((index, bare)) = found.iter().enumerate().find(|(_, requirement)| requirement.hashes == 0)
    {
        return Some((index, format!("`{}` has no hash, and others have: {again}", bare.name)));
    }
    let mut known: std::collections::BTreeMap<&str, Vec<&Requirement>> = std::collections::BTreeMap::new();
    for (index, requirement) in found.iter().enumerate() {
        let earlier = known.entry(&requirement.name).or_default();
        // With different markers they are for different systems or Pythons.
        let meets = |other: &&&Requirement| other.marker.is_none() || requirement.marker.is_none() || other.marker == requirement.marker;
        let other = earlier.iter().filter(meets).find(|other| other.version.is_some() && requirement.version.is_some() && other.version != requirement.version);
        if let Some(other) = other {
            let version = |requirement: &Requirement| requirement.version.clone().unwrap_or_default();
            return Some((index, format!("`{}` is {} here and {} above: {again}", requirement.name, version(requirement), version(other))));
        }
        earlier.push(requirement);
    }
    None
}

/// Lines with their number, those that end in a backslash joined with the next. A comment is never continued.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut joined: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (index, line) in text.lines().enumerate() {
        let comment = line.trim_start().starts_with('#');
        let (part, more) = match line.trim_end().strip_suffix('\\') {
            Some(part) if !comment => (part, true),
            _ => (line, false),
        };
        match joined.last_mut() {
            Some((_, whole)) if open && !comment => whole.push_str(part),
            _ => joined.push((index + 1, part.to_owned())),
        }
        open = more;
    }
    joined
}

/// A comment starts at the line's start or after a blank: `pkg @ https://host/#egg` has none.
fn without_comment(line: &str) -> &str {
    let cut = line.char_indices().find(|&(at, letter)| letter == '#' && (at == 0 || line[..at].ends_with([' ', '\t'])));
    line[..cut.map_or(line.len(), |(at, _)| at)].trim()
}

/// Images are built without the course's other files.
fn needs_other_files(code: &str) -> Option<String> {
    let word = code.split([' ', '=']).next().unwrap_or_default();
    let included = matches!(word, "-r" | "--requirement" | "-c" | "--constraint") || (word.starts_with("-r") && !word.starts_with("--"));
    let local = matches!(word, "-e" | "--editable") || word.starts_with('.') || word.starts_with('/') || word.contains("file:");
    if included {
        return Some(format!("`{code}` needs a second file: put everything into one, as `uv pip compile --universal --generate-hashes` does"));
    }
    local.then(|| format!("`{code}` needs files of this machine, which an image is built without: name packages of an index"))
}

fn requirement(code: &str) -> Option<Requirement> {
    let mut words = code.split_whitespace().filter(|word| !word.is_empty());
    let hashes = words.clone().filter(|word| word.starts_with("--hash")).count();
    let spec: Vec<&str> = words.by_ref().take_while(|word| !word.starts_with("--")).collect();
    let spec = spec.join(" ");
    let (spec, marker) = match spec.split_once(';') {
        Some((spec, marker)) => (spec.trim(), Some(marker.trim().to_owned())),
        None => (spec.trim(), None),
    };
    let end = spec.find(|letter: char| !(letter.is_ascii_alphanumeric() || "-_.".contains(letter))).unwrap_or(spec.len());
    let name = spec[..end].to_ascii_lowercase().replace(['_', '.'], "-");
    let rest = spec[end..].trim_start();
    // After the name come extras, a version or an address, if anything.
    if name.is_empty() || !(rest.is_empty() || rest.starts_with(['[', '=', '<', '>', '!', '~', '@', '('])) {
        return None;
    }
    let version = rest.split_once("==").map(|(_, version)| version.trim_start_matches('=').split([',', ' ']).next().unwrap_or_default().to_owned());
    Some(Requirement { name, version, marker, hashes, direct: false })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LOCK: &str = "\
# This file was made by a tool.
async-timeout==5.0.1 ; python_full_version < '3.11.3' \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via redis
blinker==1.9.0 \\
    --hash=sha256:cc
    # via
    #   flask
    #   flask-socketio
Flask_Login==0.6.3 \\
    --hash=sha256:dd
    # via
    #   -r requirements.in
    #   flask-socketio
psycopg[binary]==3.3.9 --hash=sha256:ee
    # via -r requirements.in
";

    #[test]
    fn a_lock_is_read() {
        let read = parse(LOCK).unwrap();
        let short: Vec<_> = read.iter().map(|r| (r.name.as_str(), r.version.as_deref(), r.hashes, r.direct)).collect();
        assert_eq!(
            short,
            [
                ("async-timeout", Some("5.0.1"), 2, false),
                ("blinker", Some("1.9.0"), 1, false),
                ("flask-login", Some("0.6.3"), 1, true),
                ("psycopg", Some("3.3.9"), 1, true),
            ]
        );
        assert_eq!(read[0].marker.as_deref(), Some("python_full_version < '3.11.3'"));
        assert_eq!(warm(&read), ["flask_login", "psycopg"]);
    }

    #[test]
    fn in_a_list_by_hand_everything_was_asked_for() {
        let read = parse("# ours\nflask  # the framework\n\nSQLAlchemy>=2,<3\nrequests @ https://example.org/a#b\n--prefer-binary\n").unwrap();
        assert!(read.iter().all(|requirement| requirement.direct && requirement.hashes == 0));
        assert_eq!(read.iter().map(|r| r.name.as_str()).collect::<Vec<_>>(), ["flask", "sqlalchemy", "requests"]);
        assert!(warm(&read).contains(&"sqlalchemy.orm".to_owned()));
    }

    #[test]
    fn lines_that_need_other_files_are_refused_by_number() {
        for (text, line) in [("flask\n-r more.txt\n", 2), ("-e .\n", 1), ("a\nb\n./local\n", 3), ("--constraint=c.txt\n", 1), ("-rmore.txt", 1)] {
            assert_eq!(parse(text).unwrap_err().line, line, "{text:?}");
        }
        assert_eq!(parse("ok\nflask is nice\n").unwrap_err().line, 2);
    }

    #[test]
    fn a_lock_that_contradicts_itself_is_refused_by_line() {
        let wrong = |text: &str| parse(text).unwrap_err();
        let two = wrong("flask==3.1.0 --hash=sha256:aa\nflask==3.0.0 --hash=sha256:bb\n");
        assert_eq!((two.line, two.message.split(':').next()), (2, Some("`flask` is 3.0.0 here and 3.1.0 above")));
        assert_eq!(wrong("a==1 ; x == 'y'\n\nb==1\na==2\n").line, 4);
        let bare = wrong("flask==3.1.0 \\\n    --hash=sha256:aa\nclick==8.0\n");
        assert!(bare.line == 3 && bare.message.starts_with("`click` has no hash"), "{bare:?}");
        for fine in ["a==1 ; x < '3'\na==2 ; x >= '3'\n", "a==1\na==1\n", "a>=1\na<2\n"] {
            assert_eq!(parse(fine).unwrap().len(), 2, "{fine}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "[ -~\\n\\\\#]{0,200}") {
            let _ = parse(&text);
        }

        #[test]
        fn hashes_are_counted_wherever_lines_break(hashes in 0..5usize, broken in any::<bool>()) {
            let glue = if broken { " \\\n    " } else { " " };
            let text = format!("flask==3.1.3{}\n", format!("{glue}--hash=sha256:00").repeat(hashes));
            let read = parse(&text).unwrap();
            prop_assert_eq!(read.len(), 1);
            prop_assert_eq!(read[0].hashes, hashes);
            prop_assert_eq!(read[0].version.as_deref(), Some("3.1.3"));
        }
    }
}
