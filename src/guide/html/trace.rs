//! A page of HTML as the reader came across it: what the reader takes for prose, for code and for something beside the lesson, step by step.
//!
//! For those who write a page anew. It decides nothing itself: every step is the walker's own.

use std::sync::Arc;

use super::token::Tag;
use super::walk::Walker;
use crate::guide::page::Page;
use crate::source::{Source, Span};

/// Something that the reader of a page came across. What stands within a `<pre>` is its code and no step of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// An element opens. Those that are open close in the opposite order.
    Open {
        /// Its start tag.
        tag: Tag,
        /// Whether its text is part of the lesson.
        seen: bool,
    },
    /// The element that was opened last closes.
    Close,
    /// An element that never holds anything.
    Void {
        /// Its tag.
        tag: Tag,
        /// Whether it stands in the lesson.
        seen: bool,
    },
    /// Prose, its entities decoded.
    Text(String, Span),
    /// The block whose code starts at this byte.
    Code(usize),
    /// A comment.
    Comment(Span),
}

/// The steps over a whole page.
pub(crate) fn trace(source: &Arc<Source>) -> Vec<Step> {
    Walker::walk_with(Page::new(source), Span::new(0, source.text().len()), Some(Vec::new())).1
}
