//! Reads HTML: `Source --html::parse--> Guide`. Code is what stands in `<pre>`, however it is highlighted and numbered; the rest is prose, or beside the lesson.
//! It never fails, never fetches, and runs no script. `visible_text` shows a response as a reader sees it.

mod element;
mod lessons;
mod pre;
mod token;
mod visible;
mod walk;

use std::sync::Arc;

use self::walk::Walker;
use super::page::Page;
use super::{Block, Guide};
use crate::source::{Source, Span};

pub use self::visible::visible_text;

/// Read a page. It is one lesson of this id, or, if its headings are numbered like lessons, one for each: `ID#5.5`.
#[must_use]
pub fn parse(source: &Arc<Source>, id: &str) -> Guide {
    let Walker { page, title, .. } = Walker::walk(Page::new(source), Span::new(0, source.text().len()));
    lessons::guide(page, id, title)
}

/// The blocks of a piece of HTML that stands in a page of another format.
#[must_use]
pub fn blocks(source: &Arc<Source>, span: Span) -> Vec<Block> {
    Walker::walk(Page::new(source), span).page.blocks
}

#[cfg(test)]
mod tests;
