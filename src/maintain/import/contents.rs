//! Where each lesson goes: safe names of folders and files, and the table of contents that names them.

use std::collections::{BTreeMap, BTreeSet};

use super::write;
use crate::guide::{Chapter, Guide, Lesson, number};

/// The page for what stands in no lesson. No table of contents has to name it.
pub(super) const ASIDE: &str = "README.md";

/// The longest name of a file, without its number and its ending.
const LONGEST: usize = 60;

/// The paths of a guide's lessons.
#[derive(Debug)]
pub(super) struct Contents {
    /// The path of each written lesson, by its id in the legacy guide.
    paths: BTreeMap<String, String>,
    chapters: usize,
}

impl Contents {
    /// Find a path for every lesson that is written.
    pub(super) fn of(guide: &Guide) -> Self {
        let mut taken: BTreeSet<String> = ["summary.md", "readme.md"].map(str::to_owned).into();
        let mut paths = BTreeMap::new();
        for (index, chapter) in guide.chapters.iter().enumerate() {
            let folder = is_titled(chapter).then(|| {
                let number = chapter.number.as_deref().and_then(|number| number.parse::<usize>().ok()).unwrap_or(index + 1);
                unique(&mut taken, |suffix| format!("{number:02}-{}{suffix}", slug(&chapter.title, "chapter")))
            });
            for (place, lesson) in chapter.lessons.iter().enumerate().filter(|(_, lesson)| !lesson.draft) {
                let name = slug(&lesson.title, "lesson");
                let path = match &folder {
                    Some(folder) => {
                        let last = lesson.number.as_deref().and_then(|number| number.rsplit('.').next()).and_then(|last| last.parse::<usize>().ok());
                        let number = last.unwrap_or(place + 1);
                        unique(&mut taken, |suffix| format!("{folder}/{number:02}-{name}{suffix}.md"))
                    }
                    None => unique(&mut taken, |suffix| format!("{name}{suffix}.md")),
                };
                paths.insert(lesson.id.clone(), path);
            }
        }
        Self { paths, chapters: guide.chapters.iter().filter(|chapter| is_titled(chapter)).count() }
    }

    /// The path of a lesson that is written.
    pub(super) fn path(&self, id: &str) -> Option<&str> {
        self.paths.get(id).map(String::as_str)
    }

    /// How many chapters have a title.
    pub(super) fn chapter_count(&self) -> usize {
        self.chapters
    }

    /// The table of contents.
    pub(super) fn summary(&self, guide: &Guide) -> String {
        let title = guide.title.as_deref().filter(|_| self.chapters > 0).unwrap_or("Summary");
        let mut text = format!("# {}\n\n", write::title(title));
        let mut top = 0;
        for chapter in &guide.chapters {
            let is_titled = is_titled(chapter);
            if is_titled {
                top += 1;
                let shown = chapter_title(chapter);
                text.push_str(&format!("- [{}]()\n", write::title(&numbered(chapter.number.as_deref(), &shown, Some(top.to_string())))));
            }
            for (place, lesson) in chapter.lessons.iter().enumerate() {
                let counted = if is_titled {
                    format!("{top}.{}", place + 1)
                } else {
                    top += 1;
                    top.to_string()
                };
                let indent = if is_titled { "  " } else { "" };
                let shown = numbered(lesson.number.as_deref(), &lesson.title, Some(counted));
                text.push_str(&format!("{indent}- [{}]({})\n", write::title(&shown), self.path(&lesson.id).unwrap_or("")));
            }
        }
        text
    }
}

/// Whether a chapter is one, and not only what holds lessons that stand in none.
fn is_titled(chapter: &Chapter) -> bool {
    !chapter.title.is_empty() || chapter.number.is_some()
}

fn chapter_title(chapter: &Chapter) -> String {
    if chapter.title.is_empty() { "Chapter".to_owned() } else { chapter.title.clone() }
}

/// A title, with its number where the table of contents would count otherwise, or would take the title's first word for one.
fn numbered(own: Option<&str>, title: &str, counted: Option<String>) -> String {
    let title = if title.trim().is_empty() { "Untitled" } else { title.trim() };
    let is_read_right = number::of_title(title).0.is_none();
    match own {
        Some(own) if counted.as_deref() != Some(own) && number::of_title(&format!("{own}. {title}")) == (Some(own.to_owned()), title.to_owned()) => {
            format!("{own}. {title}")
        }
        _ if is_read_right => title.to_owned(),
        own => format!("{}. {title}", own.map(str::to_owned).or(counted).unwrap_or_default()),
    }
}

/// The id of the lesson at a path.
pub(super) fn id(path: &str) -> String {
    path.strip_suffix(".md").unwrap_or(path).to_owned()
}

/// How the path `to` is written on the page at `from`.
pub(super) fn relative(from: &str, to: &str) -> String {
    let folders = |path: &str| -> Vec<String> { path.split('/').map(str::to_owned).collect() };
    let (mut from, mut to) = (folders(from), folders(to));
    from.pop();
    while from.first().is_some_and(|first| to.len() > 1 && to.first() == Some(first)) {
        from.remove(0);
        to.remove(0);
    }
    from.iter().map(|_| "..".to_owned()).chain(to).collect::<Vec<_>>().join("/")
}

/// A name that is not taken, on any kind of disk.
fn unique(taken: &mut BTreeSet<String>, name: impl Fn(&str) -> String) -> String {
    let mut found = name("");
    let mut count = 1;
    while !taken.insert(found.to_lowercase()) {
        count += 1;
        found = name(&format!("-{count}"));
    }
    found
}

/// A title as the name of a file: small letters, digits and dashes; `otherwise` if nothing is left of it.
pub(super) fn slug(title: &str, otherwise: &str) -> String {
    let mut slug = String::new();
    for letter in title.chars().flat_map(char::to_lowercase) {
        match plain(letter) {
            Some(letters) => slug.push_str(letters),
            None if letter.is_ascii_alphanumeric() => slug.push(letter),
            None if matches!(letter, '\'' | '\u{2019}') => {}
            None if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
            None => {}
        }
    }
    if slug.len() > LONGEST {
        let cut = slug[..LONGEST].rfind('-').filter(|cut| *cut > LONGEST / 2).unwrap_or(LONGEST);
        slug.truncate(cut);
    }
    let slug = slug.trim_matches('-');
    // Names that one system keeps for its devices.
    let is_device = matches!(slug, "con" | "prn" | "aux" | "nul") || slug.len() == 4 && (slug.starts_with("com") || slug.starts_with("lpt"));
    if slug.is_empty() || is_device { format!("{otherwise}{}{slug}", if slug.is_empty() { "" } else { "-" }) } else { slug.to_owned() }
}

/// A letter with a mark as plain letters, where Latin script has them.
fn plain(letter: char) -> Option<&'static str> {
    Some(match letter {
        'à' | 'á' | 'â' | 'ã' | 'å' | 'ā' | 'ă' | 'ą' => "a",
        'ä' | 'æ' => "ae",
        'ç' | 'ć' | 'č' => "c",
        'ď' | 'đ' => "d",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ę' | 'ě' => "e",
        'ğ' => "g",
        'ì' | 'í' | 'î' | 'ï' | 'ı' => "i",
        'ł' => "l",
        'ñ' | 'ń' | 'ň' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ø' | 'ő' => "o",
        'ö' | 'œ' => "oe",
        'ř' => "r",
        'ś' | 'š' | 'ş' => "s",
        'ß' => "ss",
        'ť' => "t",
        'ù' | 'ú' | 'û' | 'ů' | 'ű' => "u",
        'ü' => "ue",
        'ý' | 'ÿ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => return None,
    })
}

/// The headings of a lesson as they are written: its title first, the others in order.
pub(super) fn heading_texts(lesson: &Lesson) -> Vec<(usize, String)> {
    lesson.prose.iter().filter(|prose| matches!(prose.kind, crate::guide::ProseKind::Heading(_))).map(|prose| (prose.span.start, prose.text.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_become_safe_names() {
        for (title, name) in [
            ("HTTP Methods (GET, POST)", "http-methods-get-post"),
            ("What's a/b\\c?", "whats-a-b-c"),
            ("Übung: café", "uebung-cafe"),
            ("第一章", "lesson"),
            ("..", "lesson"),
            ("Con", "lesson-con"),
        ] {
            assert_eq!(slug(title, "lesson"), name);
        }
        assert!(slug(&"word ".repeat(40), "lesson").len() <= LONGEST);
    }

    #[test]
    fn paths_are_written_from_the_page() {
        assert_eq!(relative("05-a/01-b.md", "05-a/02-c.md"), "02-c.md");
        assert_eq!(relative("05-a/01-b.md", "04-d/02-c.md"), "../04-d/02-c.md");
        assert_eq!(relative("a.md", "04-d/02-c.md"), "04-d/02-c.md");
        assert_eq!(relative("04-d/02-c.md", "a.md"), "../a.md");
    }

    #[test]
    fn a_number_is_written_where_it_would_be_counted_otherwise() {
        assert_eq!(numbered(Some("5.5"), "Relations", Some("5.5".to_owned())), "Relations");
        assert_eq!(numbered(Some("5.7"), "Relations", Some("5.6".to_owned())), "5.7. Relations");
        assert_eq!(numbered(None, "7. Forms", Some("3".to_owned())), "3. 7. Forms");
        assert_eq!(numbered(None, " ", Some("3".to_owned())), "Untitled");
    }
}
