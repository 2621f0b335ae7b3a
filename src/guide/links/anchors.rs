//! The anchors of a page: what stands behind the `#` of a link that leads to a place in it. Pure text.

use std::collections::{BTreeMap, BTreeSet};

/// The anchors of headings in their order, as GitHub and mdBook make them.
#[derive(Debug, Default)]
pub(crate) struct Slugs(BTreeMap<String, usize>);

impl Slugs {
    /// The anchor of the next heading, whose text this is.
    pub(crate) fn add(&mut self, text: &str) -> String {
        let slug = slug(text);
        let count = self.0.entry(slug.clone()).or_default();
        *count += 1;
        if *count == 1 { slug } else { format!("{slug}-{}", *count - 1) }
    }
}

/// The anchor of a heading: small letters, digits, `_` and `-`; a `-` for each blank.
pub(crate) fn slug(text: &str) -> String {
    let mut slug = String::with_capacity(text.len());
    for letter in text.trim().chars() {
        if letter.is_alphanumeric() || letter == '_' || letter == '-' {
            slug.extend(letter.to_lowercase());
        } else if letter.is_whitespace() {
            slug.push('-');
        }
    }
    slug
}

/// Everything in a page that a link can lead to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Anchors {
    exact: BTreeSet<String>,
    /// The same by their letters and digits alone: sites differ in what they make of the rest.
    loose: BTreeSet<String>,
}

impl Anchors {
    pub(super) fn insert(&mut self, anchor: &str) {
        self.loose.insert(loose(anchor));
        self.exact.insert(anchor.to_lowercase());
    }

    /// Whether a link's fragment leads somewhere in the page. What only a browser or a site's own scripts know leads anywhere.
    pub(super) fn has(&self, fragment: &str, exactly: bool) -> bool {
        let is_foreign = fragment.is_empty() || fragment.eq_ignore_ascii_case("top") || fragment.starts_with([':', '!', '/', '?']) || fragment.contains('=');
        let is_footnote = fragment.starts_with("fn") || fragment.starts_with("footnote") || fragment.starts_with("user-content-");
        is_foreign || is_footnote || self.exact.contains(&fragment.to_lowercase()) || !exactly && self.loose.contains(&loose(fragment))
    }

    /// The anchor that was probably meant.
    pub(super) fn near(&self, fragment: &str) -> Option<&str> {
        let loosely = loose(fragment);
        let same = self.exact.iter().find(|anchor| loose(anchor) == loosely).map(String::as_str);
        same.or_else(|| crate::guide::nearest::nearest(fragment, self.exact.iter().map(String::as_str)))
    }
}

/// The letters and digits of an anchor.
fn loose(anchor: &str) -> String {
    anchor.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_have_the_anchors_that_github_and_mdbook_make() {
        let mut slugs = Slugs::default();
        for (text, anchor) in [
            ("What goes wrong", "what-goes-wrong"),
            ("What goes wrong", "what-goes-wrong-1"),
            ("Files & folders: `a_b`.py", "files--folders-a_bpy"),
            ("Één café", "één-café"),
            ("What goes wrong", "what-goes-wrong-2"),
        ] {
            assert_eq!(slugs.add(&text.replace('`', "")), anchor);
        }
    }

    #[test]
    fn sites_differ_in_what_they_make_of_marks() {
        let mut anchors = Anchors::default();
        anchors.insert("files--folders");
        assert!(anchors.has("files--folders", true) && !anchors.has("files-folders", true) && anchors.has("files-folders", false));
        assert!(anchors.has("", true) && anchors.has(":~:text=x", true) && anchors.has("fnref:1", true) && !anchors.has("other", false));
        assert_eq!(anchors.near("file-folders"), Some("files--folders"));
    }
}
