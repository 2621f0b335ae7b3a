//! The lessons that lend to a lesson, the nearest first. A guide's lessons share one shelf, and a list of the words on it, so that neither the memory nor the
//! time that a guide of thousands of lessons takes grows with the square of their number. Pure: it opens nothing.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use crate::guide::{Lesson, Role};

/// Every lesson of a guide that has code, in its order.
#[derive(Debug, Default)]
pub struct Shelf {
    lessons: Vec<Arc<Lesson>>,
    /// For each word of their code, the lessons that have it, ascending. Made when it is first asked for: most lessons miss nothing.
    words: OnceLock<HashMap<Box<str>, Vec<u32>>>,
}

impl Shelf {
    /// A shelf of these lessons.
    #[must_use]
    pub fn of(lessons: Vec<Arc<Lesson>>) -> Self {
        Self { lessons, words: OnceLock::new() }
    }

    /// The lessons that have this word in their code, ascending.
    fn with(&self, word: &str) -> &[u32] {
        self.words.get_or_init(|| words(&self.lessons)).get(word).map_or(&[], Vec::as_slice)
    }
}

fn words(lessons: &[Arc<Lesson>]) -> HashMap<Box<str>, Vec<u32>> {
    let mut words: HashMap<Box<str>, Vec<u32>> = HashMap::new();
    for (index, lesson) in (0_u32..).zip(lessons) {
        let code = lesson.blocks.iter().filter(|block| matches!(block.role, Role::Python | Role::Console)).flat_map(|block| &block.body.lines);
        for word in code.flat_map(|line| line.text.split(|c: char| !c.is_alphanumeric() && c != '_')).filter(|word| !word.is_empty()) {
            match words.get_mut(word) {
                Some(known) if known.last() == Some(&index) => {}
                Some(known) => known.push(index),
                None => drop(words.insert(word.into(), vec![index])),
            }
        }
    }
    words
}

/// The lessons on a shelf that lend to one lesson.
#[derive(Debug, Clone, Default)]
pub struct Lenders {
    shelf: Arc<Shelf>,
    /// Those that lend before any other, by their places on the shelf.
    first: Vec<usize>,
    /// All on the shelf before this place lend after those, the nearest first.
    before: usize,
}

impl Lenders {
    /// The lessons at the places `first`, then all before the place `before`.
    #[must_use]
    pub fn on(shelf: Arc<Shelf>, first: Vec<usize>, before: usize) -> Self {
        Self { shelf, first, before }
    }

    /// Every lender, the nearest first.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Lesson>> {
        let rest = (0..self.before).rev().filter(|place| !self.first.contains(place));
        self.first.iter().copied().chain(rest).filter_map(|place| self.shelf.lessons.get(place))
    }

    /// Those with this word in their code, the nearest first, each with its place on the shelf.
    pub(super) fn naming(&self, word: &str) -> impl Iterator<Item = (usize, &Lesson)> {
        let named = if self.first.is_empty() && self.before == 0 { &[] } else { self.shelf.with(word) };
        let has = |place: &usize| u32::try_from(*place).is_ok_and(|place| named.binary_search(&place).is_ok());
        let first = self.first.iter().copied().filter(has).collect::<Vec<_>>();
        let end = named.partition_point(|&place| (place as usize) < self.before);
        let rest = named[..end].iter().rev().map(|&place| place as usize).filter(|place| !self.first.contains(place));
        first.into_iter().chain(rest).filter_map(|place| Some((place, &**self.shelf.lessons.get(place)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guide::markdown;
    use crate::source::Source;

    #[test]
    fn lenders_come_nearest_first_and_only_those_with_the_word() {
        let lesson = |id: &str, code: &str| {
            let source = Arc::new(Source::new(format!("{id}.md"), format!("# L\n\n```python\n{code}\n```\n")));
            let guide = markdown::parse(&source, id);
            Arc::new(guide.lessons().next().cloned().into_iter().next().unwrap_or_else(|| panic!("a lesson")))
        };
        let shelf = Arc::new(Shelf::of(vec![lesson("a", "user = 1"), lesson("b", "users = 1"), lesson("c", "print(user)"), lesson("d", "user = 2")]));
        let ids = |lenders: &Lenders, word: &str| lenders.naming(word).map(|(_, lesson)| lesson.id.clone()).collect::<Vec<_>>();
        let before = Lenders::on(Arc::clone(&shelf), Vec::new(), 3);
        assert_eq!(ids(&before, "user"), ["c", "a"]);
        assert_eq!(before.iter().map(|lesson| lesson.id.as_str()).collect::<Vec<_>>(), ["c", "b", "a"]);
        let used = Lenders::on(shelf, vec![3, 0], 3);
        assert_eq!(ids(&used, "user"), ["d", "a", "c"]);
        assert_eq!(used.iter().map(|lesson| lesson.id.as_str()).collect::<Vec<_>>(), ["d", "a", "c", "b"]);
        assert!(ids(&used, "nothing").is_empty() && ids(&Lenders::default(), "user").is_empty());
    }
}
