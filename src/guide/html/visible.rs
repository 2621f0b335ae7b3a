//! What a reader sees of an HTML page, as text. For transcripts of responses: no tags, no scripts, no title, a line for each block.

use super::element::{is_block, is_void};
use super::token::{Piece, decode, pieces};
use super::walk::fold;

/// The text of a page as a reader sees it: white space folded but in `<pre>`, each block element on a line of its own, and neither tags nor what no browser shows.
#[must_use]
pub fn visible_text(html: &str) -> String {
    let mut page = Visible::default();
    for piece in pieces(html, 0) {
        match piece {
            Piece::Open(tag) => {
                let is_dead =
                    matches!(tag.name.as_str(), "script" | "style" | "template" | "head" | "title" | "noscript") || tag.attributes.contains_key("hidden");
                // A body starts where a head that was never closed ends.
                if tag.name == "body" {
                    page.dead = None;
                }
                if is_block(&tag.name) {
                    page.end_line();
                }
                match &mut page.dead {
                    Some((name, depth)) if *name == tag.name => *depth += 1,
                    None if is_dead && !is_void(&tag.name) => page.dead = Some((tag.name.clone(), 1)),
                    _ => {}
                }
                page.pre += usize::from(tag.name == "pre");
            }
            Piece::Close(name, _) => {
                if is_block(&name) {
                    page.end_line();
                }
                if name == "pre" {
                    page.pre = page.pre.saturating_sub(1);
                }
                if let Some((dead, depth)) = &mut page.dead
                    && *dead == name
                {
                    *depth -= 1;
                    if *depth == 0 {
                        page.dead = None;
                    }
                }
            }
            Piece::Text(span) if page.dead.is_none() => page.text(&decode(&html[span.start..span.end])),
            Piece::Text(_) | Piece::Comment(_) => {}
        }
    }
    page.end_line();
    page.lines.join("\n")
}

/// The text so far.
#[derive(Debug, Default)]
struct Visible {
    lines: Vec<String>,
    line: String,
    /// How many `<pre>` are open.
    pre: usize,
    /// The element that hides what is in it, and how many of its name are open.
    dead: Option<(String, usize)>,
}

impl Visible {
    fn text(&mut self, text: &str) {
        if self.pre == 0 {
            self.line.push_str(text);
            return;
        }
        for (index, part) in text.split('\n').enumerate() {
            if index > 0 {
                self.end_line();
            }
            self.line.push_str(part);
        }
    }

    /// End the line, if there is anything on it.
    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let line = if self.pre > 0 { line.trim_end().to_owned() } else { fold(&line) };
        if !line.is_empty() {
            self.lines.push(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_reads_as_in_a_browser() {
        let html = "<!doctype html><html><head><title>T</title><style>p{}</style></head><body>\n <h1>Hello,\n  <b>W</b>orld!</h1><!-- c --><ul><li>a &amp; b<li>c</ul>\n<pre>x\n  y</pre><script>1</script><p>one<br>two</p><p hidden>no</p>";
        assert_eq!(visible_text(html), "Hello, World!\na & b\nc\nx\n  y\none\ntwo");
    }

    #[test]
    fn text_that_is_no_page_stays() {
        assert_eq!(visible_text("Hello"), "Hello");
        assert_eq!(visible_text("1 < 2 <b"), "1 < 2 <b");
        assert_eq!(visible_text("<head><title>x</title><body>seen"), "seen");
    }
}
