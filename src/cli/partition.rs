//! `--partition`: which lessons a shard of a check has. Pure: each shard decides alone, and together they have every lesson once.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

use crate::run::Planned;

/// A part of the lessons: the `shard`th (from 1) of `of`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition {
    how: How,
    shard: u64,
    of: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// By position: shards of the same size. A new lesson moves those behind it.
    Slice,
    /// By the lesson's id: a lesson stays in its shard whatever becomes of the others.
    Hash,
}

impl FromStr for Partition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("{why}: write it as `slice:1/4` (by position) or `hash:1/4` (by the lesson's id)");
        let (word, part) = text.split_once(':').ok_or_else(|| wrong("this is no partition"))?;
        let how = match word {
            "slice" => How::Slice,
            "hash" => How::Hash,
            _ => return Err(wrong(&format!("there is no way of partitioning called `{word}`"))),
        };
        let number = |text: &str| text.parse::<u64>().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
        let numbers = part.split_once('/').and_then(|(shard, of)| Some((number(shard)?, number(of)?)));
        let (shard, of) = numbers.ok_or_else(|| wrong(&format!("`{part}` is not two numbers")))?;
        if of == 0 {
            return Err(wrong("there is no partition into none"));
        }
        if !(1..=of).contains(&shard) {
            return Err(wrong(&format!("the parts of {of} are 1 to {of}, and {shard} is none of them")));
        }
        Ok(Self { how, shard, of })
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.how == How::Slice { "slice" } else { "hash" };
        write!(f, "{word}:{}/{}", self.shard, self.of)
    }
}

impl Partition {
    /// The lessons of this part, in their order.
    #[must_use]
    pub fn of(&self, planned: Vec<Planned>) -> Vec<Planned> {
        // Drafts are no work. Counted with the others, they would leave one shard with most of it.
        let mut next = [0; 2];
        let mut has = |planned: &Planned| {
            let position = &mut next[usize::from(planned.lesson.blocks.is_empty())];
            *position += 1;
            self.has(*position - 1, &planned.lesson.id)
        };
        planned.into_iter().filter(|planned| has(planned)).collect()
    }

    fn has(&self, position: u64, id: &str) -> bool {
        let number = match self.how {
            How::Slice => position,
            How::Hash => Sha256::digest(id).iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte)),
        };
        number % self.of == self.shard - 1
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_partition_is_refused_with_what_is_one() {
        for (text, why) in [
            ("slice:0/4", "the parts of 4 are 1 to 4, and 0 is none of them"),
            ("hash:5/4", "the parts of 4 are 1 to 4, and 5 is none of them"),
            ("slice:a/b", "`a/b` is not two numbers"),
            ("slice:+1/4", "`+1/4` is not two numbers"),
            ("slice:1", "`1` is not two numbers"),
            ("slice:1/0", "there is no partition into none"),
            ("count:1/4", "there is no way of partitioning called `count`"),
            ("1/4", "this is no partition"),
            ("", "this is no partition"),
        ] {
            let message = text.parse::<Partition>().unwrap_err();
            assert!(message.starts_with(why) && message.contains("`slice:1/4`"), "{text}: {message}");
        }
        assert_eq!("hash:2/3".parse::<Partition>().unwrap().to_string(), "hash:2/3");
    }

    #[test]
    fn a_lesson_stays_in_its_part_on_every_machine() {
        let part = |id: &str| (1..=4).find(|shard| format!("hash:{shard}/4").parse::<Partition>().unwrap().has(0, id)).unwrap();
        // `printf a | sha256sum`: the first eight bytes, modulo 4.
        assert_eq!([part("a"), part("b"), part("c"), part("d")], [3, 3, 3, 2]);
    }

    proptest! {
        #[test]
        fn together_they_have_every_lesson_once(ids in proptest::collection::vec(any::<String>(), 0..40), of in 1_u64..9, hash: bool) {
            let how = if hash { How::Hash } else { How::Slice };
            for (position, id) in ids.iter().enumerate() {
                let having = (1..=of).filter(|&shard| Partition { how, shard, of }.has(position as u64, id)).count();
                prop_assert_eq!(having, 1);
            }
        }
    }
}
