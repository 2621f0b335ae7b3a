//! Fixtures for what a page's queries take for granted: a model that it never shows, with the columns that it uses, and a row of a model that it does show.
//! Both are the real thing: a mapped class, a mapped row. Pure text.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use crate::lab::fixtures::Page;
use crate::lab::piece::Piece;

/// Names that a class can have and that are no model's: their endings say what else they are.
const OTHER_KINDS: &[&str] = &[
    "Form",
    "Config",
    "Schema",
    "View",
    "Test",
    "Case",
    "Error",
    "Exception",
    "Mixin",
    "Resource",
    "API",
    "Api",
    "Handler",
    "Converter",
    "Field",
    "Blueprint",
    "Base",
    "Session",
    "Manager",
    "Response",
    "Request",
    "Engine",
    "Model",
    "Command",
    "Service",
    "Client",
    "Factory",
    "Enum",
    "Type",
];

/// Columns of a model of which the page uses none.
const USUAL: &[&str] = &["username", "email", "password"];

/// Attributes that every model has without a column.
const INHERITED: &[&str] = &["query", "metadata", "id", "query_class", "registry"];

static KEYWORDS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(\w+)\s*=[^=]").expect("the pattern is a constant"));

/// Something that holds a class and is asked for its rows: `self.table.query`.
static QUERIED: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b([a-z_]+)\.query\b").expect("the pattern is a constant"));

/// Whether a missing name is that of a model: `User`, which every text takes for granted, or a class that the page asks for rows.
pub(crate) fn is_model(name: &str, page: &Page) -> bool {
    let camel =
        name.starts_with(|c: char| c.is_ascii_uppercase()) && name.chars().any(|c| c.is_ascii_lowercase()) && name.chars().all(|c| c.is_ascii_alphanumeric());
    if !camel || OTHER_KINDS.iter().any(|kind| name.ends_with(kind)) {
        return false;
    }
    let code = &page.code;
    let asked = [format!("{name}.query"), format!("select({name}"), format!(".query({name}"), format!(".get({name}")].iter().any(|use_| code.contains(use_));
    // A class that is handed to something that queries its model.
    let handed = QUERIED.captures_iter(code).any(|capture| !["session", "db"].contains(&&capture[1]))
        && (code.contains(&format!("{name},")) || code.contains(&format!("{name})")));
    asked || handed || name == "User" && (code.contains("db.") || code.contains("query"))
}

/// The code of a model with the columns that the page uses, on the extension `db`.
pub(crate) fn model(name: &str, page: &Page) -> String {
    let columns = columns(name, &page.code);
    let mut code = format!("class {name}(db.Model):\n    id = db.Column(db.Integer, primary_key=True)\n");
    for column in &columns {
        code.push_str(&format!("    {column} = db.Column(db.String(120))\n"));
    }
    let parameters: Vec<String> = columns.iter().map(|column| format!("{column}=None")).collect();
    code.push_str(&format!("\n    def __init__(self, {}):\n", parameters.join(", ")));
    for column in &columns {
        code.push_str(&format!("        self.{column} = {column}\n"));
    }
    code.push_str(&format!("\n_proctor_seed(db, {name}, {:?})\n", seeds(name, &columns, &page.code)));
    format!("{SEED}\n\n{code}")
}

/// The code of a model with the columns that the page uses, on a declarative base of its own.
pub(crate) fn plain_model(name: &str, page: &Page) -> String {
    let columns: String = columns(name, &page.code).iter().map(|column| format!("    {column} = _ProctorColumn(_ProctorString(120))\n")).collect();
    format!(
        "from sqlalchemy import Column as _ProctorColumn, Integer as _ProctorInteger, String as _ProctorString\nfrom sqlalchemy.orm import declarative_base as _proctor_base\n\n\nclass {name}(_proctor_base()):\n    __tablename__ = \"{}\"\n    id = _ProctorColumn(_ProctorInteger, primary_key=True)\n{columns}",
        name.to_lowercase()
    )
}

/// Makes a model's table and a row for each value that the page's queries ask for.
const SEED: &str = "def _proctor_seed(db, model, rows):
    for application in list(db._app_engines):
        with application.app_context():
            db.create_all()
            for row in rows:
                db.session.add(model(**dict(row)))
            db.session.commit()
";

/// The columns that the page uses of a model: in filters, in its constructor, as attributes of the class.
fn columns(name: &str, code: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut add = |column: &str| {
        let known = INHERITED.contains(&column) || found.iter().any(|known| known == column);
        if !known && column.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !column.starts_with('_') {
            found.push(column.to_owned());
        }
    };
    for (at, _) in code.match_indices(&format!("{name}.")) {
        let rest = &code[at + name.len() + 1..];
        let word: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let is_call = rest[word.len()..].starts_with('(');
        if word == "query" {
            if let Some(filter) = rest.split('\n').next().and_then(|line| line.split_once("filter_by(")) {
                KEYWORDS.captures_iter(filter.1).for_each(|capture| add(&capture[1]));
            }
        } else if !is_call && code[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric() && c != '_') {
            add(&word);
        }
    }
    for (at, _) in code.match_indices(&format!("{name}(")) {
        let arguments = code[at..].split(')').next().unwrap_or_default();
        KEYWORDS.captures_iter(arguments).for_each(|capture| add(&capture[1]));
    }
    for usual in USUAL.iter().filter(|_| found.len() < 2).copied().collect::<Vec<_>>() {
        if !found.iter().any(|known| known == usual) {
            found.push(usual.to_owned());
        }
    }
    found
}

/// Rows that the page's queries ask for by value: `filter_by(username='anna')`, `User.username == "anna"`.
fn seeds(name: &str, columns: &[String], code: &str) -> Vec<Vec<(String, String)>> {
    let mut rows: Vec<Vec<(String, String)>> = Vec::new();
    for column in columns {
        let pattern = format!(r#"(?:filter_by\(|{name}\.){column}\s*==?\s*['"]([^'"\\]*)['"]"#);
        let Ok(pattern) = Regex::new(&pattern) else { continue };
        let values: BTreeSet<String> = pattern.captures_iter(code).map(|capture| capture[1].to_owned()).collect();
        rows.extend(values.into_iter().map(|value| vec![(column.clone(), value)]));
    }
    if rows.is_empty() {
        rows.push(columns.iter().map(|column| (column.clone(), format!("{column} 1"))).collect());
    }
    rows
}

/// The class of the page whose row a missing name stands for: `myparent`, `some_child` and `user` for `Parent`, `Child` and `User`.
pub(crate) fn row_of<'a>(name: &str, page: &'a Page) -> Option<&'a str> {
    let plain = |name: &str| name.replace('_', "").to_ascii_lowercase();
    if name.starts_with(|c: char| c.is_ascii_uppercase()) {
        return None;
    }
    let wanted = plain(name);
    let stem = ["my", "some", "a", "an", "the", "new", "one"].iter().find_map(|word| wanted.strip_prefix(word));
    let fits = |class: &&String| Some(plain(class).as_str()) == stem || plain(class) == wanted;
    page.mapped.iter().find(fits).map(String::as_str)
}

/// The code of a row of a class that the page maps.
pub(crate) fn row(name: &str, class: &str, database: &str) -> String {
    format!("{database}\n\n{name} = _proctor_row(globals(), {class:?})\n")
}

/// Whether a piece uses a name as more than a value that is passed on: it asks it for something.
pub(crate) fn acts_on(piece: &Piece, name: &str) -> bool {
    piece.code.contains(&format!("{name}.")) || piece.code.contains(&format!("({name})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(code: &str, mapped: &[&str]) -> Page {
        Page { code: code.to_owned(), mapped: mapped.iter().map(|name| (*name).to_owned()).collect(), ..Page::default() }
    }

    #[test]
    fn a_model_is_told_from_other_classes() {
        let page = page("Story.query.all()\nLoginForm()\nUser.query.get(1)\n", &[]);
        assert!(is_model("Story", &page) && is_model("User", &page));
        assert!(!is_model("LoginForm", &page) && !is_model("Flask", &page) && !is_model("user", &page));
    }

    #[test]
    fn a_model_has_the_columns_and_rows_that_the_page_uses() {
        let code = "Story.query.filter_by(title='First').first()\nStory(title='x', body='y')\nStory.query.order_by(Story.stars)\n";
        let page = page(code, &[]);
        assert_eq!(columns("Story", &page.code), ["title", "stars", "body"]);
        assert_eq!(seeds("Story", &["title".to_owned()], &page.code), [[("title".to_owned(), "First".to_owned())]]);
    }

    #[test]
    fn a_row_is_named_after_its_class() {
        let page = page("", &["Parent", "Child"]);
        assert_eq!(row_of("myparent", &page), Some("Parent"));
        assert_eq!(row_of("some_child", &page), Some("Child"));
        assert_eq!(row_of("children", &page), None);
    }
}
