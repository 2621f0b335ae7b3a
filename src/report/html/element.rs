//! Elements: the only way in which anything gets onto the page. Pure.
//!
//! Names of elements and attributes are ours and known when Proctor is compiled; every text and every value goes through `text::html`, so that there is no way
//! to forget it. A link leads into the page itself, or is none.

use crate::report::text;

/// An attribute and its value.
pub(super) type Attribute<'a> = (&'static str, &'a str);

/// A page as it is written.
#[derive(Default)]
pub(super) struct Page(String);

impl Page {
    /// A page that begins with what is ours.
    pub(super) fn new(start: &str) -> Self {
        Self(start.to_owned())
    }

    /// The page with what is ours at its end.
    pub(super) fn finish(mut self, end: &str) -> String {
        self.0.push_str(end);
        self.0
    }

    /// An element, and in it what `inside` writes.
    pub(super) fn element(&mut self, name: &'static str, attributes: &[Attribute<'_>], inside: impl FnOnce(&mut Self)) {
        self.0.extend(["<", name]);
        for (key, value) in attributes {
            debug_assert!(!key.starts_with("on") && *key != "style" && *key != "src", "{key}");
            if *key == "href" && !value.starts_with('#') {
                continue;
            }
            self.0.extend([" ", key]);
            if !value.is_empty() {
                self.0.extend(["=\"", &text::html(value), "\""]);
            }
        }
        self.0.push('>');
        inside(self);
        self.0.extend(["</", name, ">"]);
        if BLOCKS.contains(&name) {
            self.0.push('\n');
        }
    }

    /// An element with nothing but text.
    pub(super) fn leaf(&mut self, name: &'static str, attributes: &[Attribute<'_>], text: &str) {
        self.element(name, attributes, |page| page.text(text));
    }

    /// Text, with every hidden character visible.
    pub(super) fn text(&mut self, text: &str) {
        self.0.push_str(&text::html(text));
    }
}

/// Elements after which a line ends: whoever looks at the page's own text is a person, too.
const BLOCKS: &[&str] =
    &["header", "main", "footer", "section", "article", "nav", "div", "p", "ul", "ol", "li", "h1", "h2", "h3", "h4", "pre", "details", "button"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_values_stay_texts_and_values() {
        let mut page = Page::new("");
        page.element("b", &[("class", "\" onclick=\"x"), ("hidden", "")], |page| page.text("<i>\u{202e}&"));
        assert_eq!(page.finish(""), "<b class=\"&quot; onclick=&quot;x\" hidden>&lt;i&gt;\\u202e&amp;</b>");
    }

    #[test]
    fn a_link_leads_into_the_page_or_nowhere() {
        let mut page = Page::new("");
        page.leaf("a", &[("href", "javascript:alert(1)")], "x");
        page.leaf("a", &[("href", "#lesson-1")], "y");
        assert_eq!(page.finish(""), "<a>x</a><a href=\"#lesson-1\">y</a>");
    }
}
