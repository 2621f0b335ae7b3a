//! Which release broke it: a search over releases in order, as a state machine that is asked what to try next and told what came of it. Pure: it never
//! installs or runs anything, and knows releases only by their places.
//!
//! Between good and bad it halves what is left, so that `n` releases take `log2(n)` tries. Releases of which nothing can be learned come in bands (a year's
//! releases that the Python at hand cannot import): from one that it has hit the search strides outwards, and takes what lies between two of the same kind for
//! the same, so that a band costs a few tries and not one for each of its releases.

use std::collections::{BTreeMap, BTreeSet};

/// What a try says of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The code in question runs.
    Good,
    /// The finding in question is there.
    Bad,
    /// Nothing can be said of it. The word is the kind of its trouble: between two of one kind, and next to each other, nothing else is expected.
    Unknown(String),
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Try the release at this place.
    Try(usize),
    /// Nothing more can be learned.
    Done(Answer),
}

/// What the search has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The last good release, and the first bad one after it. Of what lies between nothing is known.
    Between(usize, usize),
    /// Every release that can be tried is bad; this is the first.
    AllBad(usize),
    /// Every release that can be tried is good; this is the last.
    AllGood(usize),
    /// No release can be tried.
    Nothing,
}

/// A search over releases, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Search {
    releases: usize,
    known: BTreeMap<usize, Verdict>,
    /// How many tries have said good or bad.
    said: u32,
    /// How many tries since then have said nothing.
    silent: u32,
}

/// The first stride out of a band is this part of what is open.
const STRIDE: usize = 16;

impl Search {
    /// A search over so many releases, of which nothing is known yet.
    #[must_use]
    pub fn new(releases: usize) -> Self {
        Self { releases, ..Self::default() }
    }

    /// Know what a release is without a try.
    pub fn know(&mut self, release: usize, verdict: Verdict) {
        if release < self.releases {
            self.known.insert(release, verdict);
        }
    }

    /// Learn what a release is, by a try.
    pub fn tell(&mut self, release: usize, verdict: Verdict) {
        if matches!(verdict, Verdict::Unknown(_)) {
            self.silent += 1;
        } else {
            (self.said, self.silent) = (self.said + 1, 0);
        }
        self.know(release, verdict);
    }

    /// What to do next. The same until something new is told.
    #[must_use]
    pub fn next(&self) -> Next {
        let open = self.open();
        match self.choose(&open) {
            Some(release) => Next::Try(release),
            None => Next::Done(self.answer()),
        }
    }

    /// What is known by now.
    #[must_use]
    pub fn answer(&self) -> Answer {
        match self.bounds() {
            (Some(good), Some(bad)) => Answer::Between(good, bad),
            (None, Some(bad)) => Answer::AllBad(bad),
            (Some(good), None) => Answer::AllGood(good),
            (None, None) => Answer::Nothing,
        }
    }

    /// How many more tries that say good or bad the search takes at most, if no release is unknown.
    #[must_use]
    pub fn at_most(&self) -> u32 {
        halvings(self.open().len())
    }

    /// Releases of which nothing is known between the last good and the first bad one, with whether each was tried; all of them where one of the two is missing.
    #[must_use]
    pub fn unknown(&self) -> Vec<(usize, bool)> {
        self.between().filter(|release| !self.is_settled(*release)).map(|release| (release, self.known.contains_key(&release))).collect()
    }

    /// Releases before the last good one that are bad all the same: the finding has come and gone, and what is answered is only its last coming.
    #[must_use]
    pub fn earlier_bad(&self) -> Vec<usize> {
        let (good, _) = self.bounds();
        let bad = self.known.iter().filter(|(_, verdict)| **verdict == Verdict::Bad).map(|(release, _)| *release);
        good.map_or_else(Vec::new, |good| bad.filter(|release| *release < good).collect())
    }

    fn is_settled(&self, release: usize) -> bool {
        matches!(self.known.get(&release), Some(Verdict::Good | Verdict::Bad))
    }

    /// The last good release, and the first bad one behind it.
    fn bounds(&self) -> (Option<usize>, Option<usize>) {
        let good = self.known.iter().rfind(|(_, verdict)| **verdict == Verdict::Good).map(|(release, _)| *release);
        let after = good.map_or(0, |good| good + 1);
        let bad = self.known.range(after..).find(|(_, verdict)| **verdict == Verdict::Bad).map(|(release, _)| *release);
        (good, bad)
    }

    fn between(&self) -> std::ops::Range<usize> {
        let (good, bad) = self.bounds();
        good.map_or(0, |good| good + 1)..bad.unwrap_or(self.releases)
    }

    /// Releases of which something may yet be learned that matters.
    fn open(&self) -> Vec<usize> {
        let between = self.between();
        let unknown: Vec<(usize, &Verdict)> = self.known.range(between.clone()).map(|(release, verdict)| (*release, verdict)).collect();
        let taken = |release: usize| {
            let after = unknown.partition_point(|(other, _)| *other < release);
            match (after.checked_sub(1).and_then(|before| unknown.get(before)), unknown.get(after)) {
                (_, Some((other, _))) if *other == release => true,
                (Some((_, before)), Some((_, after))) => before == after,
                _ => false,
            }
        };
        between.filter(|release| !taken(*release)).collect()
    }

    fn choose(&self, open: &[usize]) -> Option<usize> {
        let middle = open.len().checked_sub(1)? / 2;
        let distance = |band: &usize| if middle < *band { band - middle } else { middle + 1 - band };
        let Some(band) = self.bands(open).into_iter().min_by_key(distance) else { return open.get(middle).copied() };
        let stride = (open.len() / STRIDE).max(1) << self.silent.saturating_sub(1).min(20);
        if distance(&band) >= stride {
            return open.get(middle).copied();
        }
        let (left, right) = (band, open.len() - band);
        // Where nothing is good yet, what is older is the less likely to run at all.
        let goes_right = right >= left || self.bounds().0.is_none() && right * 4 >= open.len();
        let wide = match goes_right {
            true if stride <= right => band + stride - 1,
            true => band + (right - 1) / 2,
            false if stride <= left => band - stride,
            false => left / 2,
        };
        // No wider than that the tries which say something are as few as they would be without any band.
        let allowed = halvings(self.releases).saturating_sub(self.said + 1);
        let halves = |chosen: &usize| halvings((*chosen).max(open.len() - 1 - chosen)) <= allowed;
        let chosen = if wide < middle { (wide..=middle).find(halves) } else { (middle..=wide).rev().find(halves) };
        open.get(chosen.unwrap_or(middle)).copied()
    }

    /// Bands of unknown releases among the open ones: for each, how many of these lie before it.
    fn bands(&self, open: &[usize]) -> BTreeSet<usize> {
        self.known.range(self.between()).map(|(release, _)| open.partition_point(|other| other < release)).collect()
    }
}

/// How many answers tell one of so many releases, or the place behind them, from the others.
fn halvings(releases: usize) -> u32 {
    usize::BITS - releases.leading_zeros()
}

#[cfg(test)]
mod tests;
