//! Names: a lesson's id and a block's key as folders and files that every system takes. Pure; never touches the disk.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

/// The longest that a part of a path may become, in bytes; every file system takes 255, endings included.
const LONGEST: usize = 200;

/// The folder of a lesson's lab. Different ids have different folders, on every system.
#[must_use]
pub fn lab_folder(labs: &Path, lesson: &str) -> PathBuf {
    lesson.split('/').fold(labs.to_owned(), |folder, part| folder.join(encode(part)))
}

/// Keys for the blocks of a lesson, given for each the name that it is best known by: the heading above it, or its file's name.
/// A block that is put in shifts only the later ones of the same name.
#[must_use]
pub fn keys<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut seen = BTreeMap::new();
    let number = |name| {
        let slug = slug(name);
        let count = seen.entry(slug.clone()).or_insert(0_usize);
        *count += 1;
        format!("{slug}-{count}")
    };
    names.into_iter().map(number).collect()
}

/// What stands between a block's key and an environment's name. No key has it; in the name of a file it is an `@`, as in insta's own names for variants.
const OF: char = '#';

/// The key of a block's snapshot in an environment that is not the lesson's own.
#[must_use]
pub fn variant(key: &str, environment: &str) -> String {
    format!("{key}{OF}{environment}")
}

/// A block's key, and the environment that a snapshot is a variant for, if it is one.
#[must_use]
pub fn split_variant(key: &str) -> (&str, Option<&str>) {
    key.split_once(OF).map_or((key, None), |(plain, environment)| (plain, Some(environment)))
}

/// `name` in lower case, everything but letters and digits become single hyphens.
fn slug(name: &str) -> String {
    let lower: String = name.chars().flat_map(char::to_lowercase).map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
    let slug: String = lower.split_whitespace().collect::<Vec<_>>().join("-").chars().take(60).collect();
    if slug.is_empty() { "block".to_owned() } else { slug.trim_end_matches('-').to_owned() }
}

/// One part of a path, as every system takes it: letters, digits and a few marks stay, `#` becomes `@`, and every other byte `=` and two hex digits.
pub(super) fn encode(part: &str) -> String {
    let last = part.chars().count().saturating_sub(1);
    let mut out = String::with_capacity(part.len());
    for (index, c) in part.chars().enumerate() {
        let edge = index == 0 || index == last;
        match c {
            '#' => out.push('@'),
            // A dot or blank at an end is hidden, or lost on Windows.
            '.' | ' ' if edge => escape(c, &mut out),
            c if c.is_alphanumeric() || "-_.+,() ".contains(c) => out.push(c),
            c => escape(c, &mut out),
        }
    }
    if out.is_empty() {
        out.push('=');
    }
    if reserved(&out) {
        let first = out.remove(0);
        out = format!("={:02x}{out}", u32::from(first));
    }
    if out.len() > LONGEST {
        let hash: String = Sha256::digest(&out).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let cut = (0..=LONGEST - 20).rev().find(|&at| out.is_char_boundary(at)).unwrap_or(0);
        out = format!("{}=_{hash}", &out[..cut]);
    }
    out
}

fn escape(c: char, out: &mut String) {
    for byte in c.encode_utf8(&mut [0; 4]).bytes() {
        out.push_str(&format!("={byte:02x}"));
    }
}

/// Whether Windows keeps this name for a device, whatever its ending.
fn reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).trim_end().to_ascii_uppercase();
    let numbered = |device: &str| stem.strip_prefix(device).is_some_and(|rest| rest.chars().count() == 1 && rest.chars().all(char::is_numeric));
    ["CON", "PRN", "AUX", "NUL"].contains(&stem.as_str()) || numbered("COM") || numbered("LPT")
}

/// What [`encode`] was given; a part that was cut short or is not of our making stays as it is.
pub(super) fn decode(name: &str) -> String {
    if name == "=" {
        return String::new();
    }
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'@' => b'#',
            b'=' => {
                let digits: Vec<u8> = rest.by_ref().take(2).collect();
                let code = std::str::from_utf8(&digits).ok().filter(|digits| digits.len() == 2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
                let Some(code) = code else { return name.to_owned() };
                code
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).unwrap_or_else(|_| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_block_put_in_shifts_only_those_of_its_name() {
        assert_eq!(keys(["Set Up!", "app.py", "Set up", "", "…"]), ["set-up-1", "app-py-1", "set-up-2", "block-1", "block-2"]);
    }

    #[test]
    fn a_variant_is_named_as_insta_names_it() {
        assert_eq!(encode(&variant("set-up-1", "flask-2")), "set-up-1@flask-2");
        assert_eq!(split_variant(&decode("set-up-1@flask-2")), ("set-up-1", Some("flask-2")));
        assert_eq!(split_variant("set-up-1"), ("set-up-1", None));
    }

    #[test]
    fn names_are_safe_everywhere_and_stay_readable() {
        let labs = Path::new("labs");
        let shown = |lesson: &str| lab_folder(labs, lesson).to_string_lossy().into_owned();
        assert_eq!(shown("05-databases/05-relationships"), "labs/05-databases/05-relationships");
        assert_eq!(shown("guide#5.5"), "labs/guide@5.5");
        assert_eq!(shown("../../etc/passwd"), "labs/=2e=2e/=2e=2e/etc/passwd");
        assert_eq!(shown("/a\0b"), "labs/=/a=00b");
        assert_eq!(shown("con.txt/COM1/NUL"), "labs/=63on.txt/=43OM1/=4eUL");
        assert_eq!(shown("urok/проект 1"), "labs/urok/проект 1");
        let long = "é".repeat(500);
        assert!(encode(&long).len() <= LONGEST && encode(&long) != encode(&(long.clone() + "x")));
    }

    proptest! {
        #[test]
        fn a_part_of_a_path_comes_back(part in r#"([a-c]|CON|\.| |#|@|=|/|\\|:|é|\u{202e}|\PC){0,12}"#) {
            let name = encode(&part);
            prop_assert_eq!(decode(&name), part);
            prop_assert!(!name.is_empty() && !name.starts_with('.') && !name.ends_with(['.', ' ']));
            prop_assert!(!name.contains(['/', '\\', ':', '*', '?', '"', '<', '>', '|', '#']));
        }
    }
}
