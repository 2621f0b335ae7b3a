//! HTML as a flat run of tags, texts and comments, each with its bytes in the source. The only file that knows the tokenizer. Total, as browsers are: what is no tag is text.

use std::collections::BTreeMap;

use html5gum::{DefaultEmitter, Token, Tokenizer};

use crate::source::Span;

/// A piece of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A start tag.
    Open(Tag),
    /// An end tag, by its name in lower case.
    Close(String, Span),
    /// Text as the source has it: entities are not decoded yet.
    Text(Span),
    /// A comment, marks included.
    Comment(Span),
}

/// A start tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tag {
    /// Its name, in lower case.
    pub(crate) name: String,
    /// Its attributes, decoded.
    pub(crate) attributes: BTreeMap<String, String>,
    /// Its bytes.
    pub(crate) span: Span,
}

impl Tag {
    /// An attribute, or nothing.
    pub(crate) fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }

    /// Its classes.
    pub(crate) fn classes(&self) -> impl Iterator<Item = &str> {
        self.attribute("class").split_whitespace()
    }
}

/// The pieces of `text`, which stands in its source from `base` on. Together they cover it.
pub(crate) fn pieces(text: &str, base: usize) -> Vec<Piece> {
    let mut emitter = DefaultEmitter::<usize>::new_with_span();
    emitter.naively_switch_states(true);
    let (mut pieces, mut at) = (Vec::new(), 0);
    for Ok(token) in Tokenizer::new_with_emitter(text, emitter) {
        let (span, piece): (_, Option<Piece>) = match token {
            Token::StartTag(tag) => {
                let attributes = tag.attributes.into_iter().map(|(name, value)| (lossy(&name), lossy(&value))).collect();
                let span = Span::new(base + tag.span.start, base + tag.span.end);
                (tag.span, Some(Piece::Open(Tag { name: lossy(&tag.name), attributes, span })))
            }
            Token::EndTag(tag) => (tag.span, Some(Piece::Close(lossy(&tag.name), Span::new(base + tag.span.start, base + tag.span.end)))),
            Token::Comment(comment) => (comment.span, Some(Piece::Comment(Span::new(base + comment.span.start, base + comment.span.end)))),
            Token::Doctype(doctype) => (doctype.span, None),
            // Text is what lies between the others, so that no byte of it can be lost.
            Token::String(_) | Token::Error(_) => continue,
        };
        if span.start < at || text.get(span.start..span.end).is_none() {
            continue;
        }
        if span.start > at {
            pieces.push(Piece::Text(Span::new(base + at, base + span.start)));
        }
        pieces.extend(piece);
        at = span.end;
    }
    if at < text.len() {
        pieces.push(Piece::Text(Span::new(base + at, base + text.len())));
    }
    pieces
}

/// A text with its entities decoded.
pub(super) fn decode(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    let mut decoded = String::with_capacity(text.len());
    for Ok(token) in Tokenizer::new(text) {
        if let Token::String(text) = token {
            decoded.push_str(&lossy(&text));
        }
    }
    decoded
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_piece_knows_its_bytes() {
        let text = "é<P Class='a  b' title='&lt;'>x &lt; y<br/></p><!-- c --><script>'</p>'</script><b";
        let shown: Vec<_> = pieces(text, 0)
            .iter()
            .map(|piece| match piece {
                Piece::Open(tag) => format!("<{}> {:?} {}", tag.name, tag.classes().collect::<Vec<_>>(), &text[tag.span.start..tag.span.end]),
                Piece::Close(name, span) => format!("</{name}> {}", &text[span.start..span.end]),
                Piece::Text(span) => text[span.start..span.end].to_owned(),
                Piece::Comment(span) => format!("comment {}", &text[span.start..span.end]),
            })
            .collect();
        assert_eq!(
            shown,
            [
                "é",
                "<p> [\"a\", \"b\"] <P Class='a  b' title='&lt;'>",
                "x &lt; y",
                "<br> [] <br/>",
                "</p> </p>",
                "comment <!-- c -->",
                "<script> [] <script>",
                "'</p>'",
                "</script> </script>",
                "<b",
            ]
        );
    }

    #[test]
    fn entities_are_decoded() {
        assert_eq!(decode("&lt;a&gt; &amp;amp; &#39;&#x10A;&nbsp;&unknown; & <"), "<a> &amp; '\u{10a}\u{a0}&unknown; & <");
    }

    proptest! {
        #[test]
        fn the_pieces_of_any_text_lie_in_it_and_in_order(text in "[<>a-c/!='\"é&; \n\r\u{0}-]{0,60}") {
            let mut last = 0;
            for piece in pieces(&text, 0) {
                let span = match piece {
                    Piece::Open(Tag { span, .. }) | Piece::Close(_, span) | Piece::Text(span) | Piece::Comment(span) => span,
                };
                prop_assert!(span.start >= last && text.get(span.start..span.end).is_some());
                last = span.end;
            }
        }
    }
}
