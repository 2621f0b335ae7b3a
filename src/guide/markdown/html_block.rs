//! Code that a page of Markdown shows as HTML: `<pre>`, as blogs that moved to Markdown do. Reads with the reader of HTML; it only says where a piece of HTML ends.

use std::ops::Range;

use super::Reader;
use crate::guide::html;
use crate::source::Span;

/// The HTML of a page so far.
#[derive(Debug, Default)]
pub(super) struct HtmlBlocks {
    /// Up to where it is read. Markdown ends a piece of HTML at a blank line, and a `<pre>` does not.
    until: usize,
    /// Whether a `<pre>` was found that never ends: then no later one does.
    never_ends: bool,
}

impl HtmlBlocks {
    /// Whether what starts at an offset is read already.
    pub(super) fn covers(&self, offset: usize) -> bool {
        offset < self.until
    }
}

impl Reader<'_> {
    /// Read the code and the comments of a piece of HTML.
    pub(super) fn html_block(&mut self, range: &Range<usize>) {
        let span = self.page.back_span(range);
        let piece = self.source.slice(span).to_ascii_lowercase();
        let Some(last) = piece.rfind("<pre") else { return self.comments(range) };
        let mut end = span.end;
        if !piece[last..].contains("</pre") && !self.html.never_ends {
            let rest = self.source.text().get(span.end..).unwrap_or("").to_ascii_lowercase();
            match rest.find("</pre").map(|close| (close, rest[close..].find('>'))) {
                Some((close, mark)) => end = span.end + mark.map_or(rest.len(), |mark| close + mark + 1),
                None => self.html.never_ends = true,
            }
        }
        let fragment = html::fragment(self.source, Span::new(span.start, end), std::mem::take(&mut self.pending));
        self.blocks.extend(fragment.blocks);
        self.pending = fragment.waiting;
        self.findings.extend(fragment.findings);
        self.html.until = end;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::guide::{Mark, language, markdown};
    use crate::source::Source;

    /// The line, the language and the code of each block.
    fn read(text: &str) -> Vec<(usize, String, String)> {
        let source = Arc::new(Source::new("a.md", text));
        let guide = markdown::parse(&source, "a");
        let blocks = guide.lessons().flat_map(|lesson| &lesson.blocks);
        blocks.map(|block| (block.line(&source), format!("{} {:?}", language::name(&block.language), block.mark), block.body.text())).collect()
    }

    fn pre(line: usize, language: &str, text: &str) -> (usize, String, String) {
        (line, format!("{language} {:?}", Mark::Pre), text.to_owned())
    }

    #[test]
    fn code_may_stand_in_html() {
        assert_eq!(read("Text\n\n<pre class=\"brush: python\">\nx = 1\n\ny = &quot;2&quot;\n</pre>\n\nText\n"), [pre(4, "python", "x = 1\n\ny = \"2\"\n")]);
    }

    #[test]
    fn a_blank_line_ends_no_pre() {
        let text = "<div class=\"highlight\"><pre>import a\n\n    b = 1\n\n# no heading\n</pre></div>\n\nText\n\n```python\nc = 2\n```\n";
        let blocks = read(text);
        assert_eq!(blocks[0], pre(1, "python", "import a\n\n    b = 1\n\n# no heading\n"));
        assert_eq!((blocks.len(), blocks[1].0), (2, 11));
    }

    #[test]
    fn directives_speak_of_html_as_well() {
        let source = Arc::new(Source::new("a.md", "<!-- proctor: new -->\n\n<pre>x = 1</pre>\n\n<p><!-- proctor: new --></p>\n\n    y = 2\n"));
        let guide = markdown::parse(&source, "a");
        let lesson = guide.lessons().next().expect("a page is a lesson");
        assert!(lesson.blocks.iter().all(|block| block.directive("new").is_some()) && lesson.findings.is_empty());
        assert_eq!(lesson.blocks.len(), 2);
    }

    #[test]
    fn a_pre_that_never_ends_costs_no_more_than_the_page() {
        assert_eq!(read(&"<div><pre>\n\n".repeat(20_000)), []);
    }
}
