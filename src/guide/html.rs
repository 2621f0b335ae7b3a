//! Reads HTML: `Source --html::parse--> Guide`. Code is what stands in `<pre>`, however it is highlighted and numbered; the rest is prose, or beside the lesson.
//! It never fails, never fetches, and runs no script. `visible_text` shows a response as a reader sees it.

mod element;
mod lessons;
mod pre;
mod token;
mod trace;
mod visible;
mod walk;

use std::sync::Arc;

use self::walk::Walker;
use super::page::Page;
use super::{Block, Directive, Guide};
use crate::finding::Finding;
use crate::source::{Source, Span};

pub(crate) use self::element::{heading, is_block};
pub(crate) use self::token::{Piece, Tag, pieces};
pub(crate) use self::trace::{Step, trace};
pub use self::visible::visible_text;

/// Read a page. It is one lesson of this id, or, if its headings are numbered like lessons, one for each: `ID#5.5`.
#[must_use]
pub fn parse(source: &Arc<Source>, id: &str) -> Guide {
    let Walker { page, title, .. } = Walker::walk(Page::new(source), Span::new(0, source.text().len()));
    lessons::guide(page, id, title)
}

/// What a piece of HTML in a page of another format holds.
#[derive(Debug, Default)]
pub(super) struct Fragment {
    /// Its code.
    pub(super) blocks: Vec<Block>,
    /// The directives behind its last block, which speak of what follows.
    pub(super) waiting: Vec<Directive>,
    /// What is wrong with its directives.
    pub(super) findings: Vec<Finding>,
}

/// Read the piece of HTML that stands in a page of another format at `span`. The directives that `waiting` holds speak of its first block.
pub(super) fn fragment(source: &Arc<Source>, span: Span, waiting: Vec<Directive>) -> Fragment {
    let mut page = Page::new(source);
    page.waiting = waiting;
    let Page { blocks, waiting, findings, .. } = Walker::walk(page, span).page;
    Fragment { blocks, waiting, findings }
}

#[cfg(test)]
mod tests;
