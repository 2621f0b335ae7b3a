//! Info strings: what stands behind an opening fence, in the dialects of Pandoc, MkDocs, MyST, Docusaurus, mdBook and Quarto.
//!
//! Total: any text is an info string. It never looks at the block itself.

use crate::guide::language::from_word;
use crate::guide::{Info, Language, is_file_name};

/// An info string, taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Opening {
    /// Language, words and attributes.
    pub(super) info: Info,
    /// The MyST directive that it names, such as `code-block`.
    pub(super) directive: Option<String>,
}

/// Take an info string apart.
pub(super) fn parse(text: &str) -> Opening {
    let mut opening = Opening::default();
    let mut text = text.trim();
    if let Some((inner, rest)) = braced(text) {
        if is_attributes(inner) {
            add(&mut opening.info, inner, true);
        } else if from_word(inner).is_some_and(|language| !matches!(language, Language::Other(_)) || inner == "r") {
            opening.info.language = Some(inner.to_owned());
        } else if !inner.is_empty() {
            opening.directive = Some(inner.to_owned());
        }
        text = rest;
    }
    add(&mut opening.info, text, false);
    name_the_file(&mut opening.info);
    opening
}

/// What a leading `{...}` holds, and what follows it.
fn braced(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('{')?;
    let end = inner.find('}')?;
    Some((inner[..end].trim(), inner[end + 1..].trim()))
}

/// Whether braces hold attributes, as Pandoc writes them, and not a directive's name.
fn is_attributes(inner: &str) -> bool {
    inner.starts_with(['.', '#']) || inner.contains(['=', ' '])
}

/// Add the words and attributes of `text`. Within braces a class or bare word may be the language; outside, the first word is.
fn add(info: &mut Info, text: &str, in_braces: bool) {
    for token in tokens(text) {
        if let Some((inner, _)) = braced(token) {
            if is_attributes(inner) {
                add(info, inner, true);
            } else {
                info.words.push(token.to_owned());
            }
            continue;
        }
        if let Some((key, value)) = token.split_once('=').filter(|(key, _)| is_key(key)) {
            info.attributes.entry(key.to_owned()).or_insert_with(|| value.trim_matches(['"', '\'']).to_owned());
            continue;
        }
        let word = token.trim_start_matches('.');
        let is_language = info.language.is_none() && !token.starts_with('#') && (in_braces || info.words.is_empty() || token.starts_with('.'));
        if !is_language {
            info.words.push(token.to_owned());
        } else if let Some((language, file)) = word.split_once(':').filter(|(language, file)| is_key(language) && !file.is_empty()) {
            info.language = Some(language.to_owned());
            info.attributes.entry("title".to_owned()).or_insert_with(|| file.to_owned());
        } else if !word.is_empty() {
            info.language = Some(word.to_owned());
        }
    }
}

/// Give the file's name the key `title`, whichever of its names the page uses.
fn name_the_file(info: &mut Info) {
    if info.attributes.contains_key("title") {
        return;
    }
    let named =
        ["filename", "file", "file_name", "path", "name", "caption"].iter().find_map(|key| info.attributes.get(*key)).filter(|value| is_file_name(value));
    let name = named.or_else(|| info.words.iter().find(|word| is_file_name(word)));
    if let Some(name) = name.cloned() {
        info.attributes.insert("title".to_owned(), name);
    }
}

fn is_key(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '+' | '.'))
}

/// Words between blanks and commas; quoted and braced parts stay whole.
fn tokens(text: &str) -> Vec<&str> {
    let (mut found, mut start, mut quote, mut depth) = (Vec::new(), None, None, 0_usize);
    for (at, c) in text.char_indices() {
        let is_gap = quote.is_none() && depth == 0 && (c.is_whitespace() || c == ',');
        if is_gap {
            if let Some(from) = start.take() {
                found.push(&text[from..at]);
            }
            continue;
        }
        start.get_or_insert(at);
        match c {
            '"' | '\'' if quote == Some(c) => quote = None,
            '"' | '\'' if quote.is_none() => quote = Some(c),
            '{' if quote.is_none() => depth += 1,
            '}' if quote.is_none() => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    found.extend(start.map(|from| &text[from..]));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let Opening { info, directive } = parse(text);
        let attributes: Vec<String> = info.attributes.iter().map(|(key, value)| format!("{key}={value}")).collect();
        format!("{} | {} | {} | {}", directive.unwrap_or_default(), info.language.unwrap_or_default(), info.words.join(" "), attributes.join(" "))
    }

    #[test]
    fn the_dialects_of_info_strings_are_known() {
        let cases = [
            ("", " |  |  | "),
            ("python", " | python |  | "),
            ("python title=\"my app.py\" linenums='1' {1,3}", " | python | {1,3} | linenums=1 title=my app.py"),
            ("{.python .numberLines title=\"x.py\"}", " | python | .numberLines | title=x.py"),
            ("{#id .python}", " | python | #id | "),
            ("python:app.py", " | python |  | title=app.py"),
            ("python app/models.py", " | python | app/models.py | title=app/models.py"),
            ("python,editable,ignore", " | python | editable ignore | "),
            ("python {title=\"a.py\"}", " | python |  | title=a.py"),
            ("python {filename=a.py}", " | python |  | filename=a.py title=a.py"),
            ("{code-block} python", "code-block | python |  | "),
            ("{python}", " | python |  | "),
            ("{python echo=FALSE}", " | python |  | echo=FALSE"),
            ("{note} Do not", "note | Do | not | "),
            (".python", " | python |  | "),
            ("title=\"a.py\"", " |  |  | title=a.py"),
            ("html+jinja", " | html+jinja |  | "),
            ("python hl_lines=\"1 2\"", " | python |  | hl_lines=1 2"),
            ("{", " | { |  | "),
            ("python title=\"open", " | python |  | title=open"),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(text), expected, "{text}");
        }
    }
}
