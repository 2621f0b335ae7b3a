//! The search against sequences of every kind.
#![expect(clippy::panic, reason = "a test fails by panicking")]

use super::*;
use proptest::prelude::*;

/// What was tried: how often good or bad came of it, and how often nothing.
#[derive(Debug, Default, Clone, Copy)]
struct Cost {
    said: u32,
    unknown: u32,
}

fn unknown(kind: &str) -> Verdict {
    Verdict::Unknown(kind.to_owned())
}

/// Searches where `truth` knows every release, as the command does: the last is bad and known to be.
fn search(truth: &[Verdict]) -> (Search, Answer, Cost) {
    let mut search = Search::new(truth.len());
    let mut cost = Cost::default();
    if truth.last() == Some(&Verdict::Bad) {
        search.know(truth.len() - 1, Verdict::Bad);
    }
    loop {
        match search.next() {
            Next::Done(answer) => return (search, answer, cost),
            Next::Try(release) => {
                assert!(!search.known.contains_key(&release), "{release} is tried twice");
                match truth[release] {
                    Verdict::Unknown(_) => cost.unknown += 1,
                    _ => cost.said += 1,
                }
                search.tell(release, truth[release].clone());
            }
        }
    }
}

/// A band of `unknown` releases around the place where good turns bad, and one at the beginning.
fn banded(releases: usize, early: usize, first_bad: usize, band: std::ops::Range<usize>) -> Vec<Verdict> {
    let one = |place| match place {
        _ if place < early => unknown("install"),
        _ if band.contains(&place) => unknown("import"),
        _ if place < first_bad => Verdict::Good,
        _ => Verdict::Bad,
    };
    (0..releases).map(one).collect()
}

fn log2(releases: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
    let releases = releases as f64;
    releases.log2()
}

#[test]
fn every_boundary_of_every_length_is_found_in_the_logarithm_of_it() {
    for releases in 1..=140 {
        for first_bad in 0..releases {
            let (_, answer, cost) = search(&banded(releases, 0, first_bad, 0..0));
            let expected = if first_bad == 0 { Answer::AllBad(0) } else { Answer::Between(first_bad - 1, first_bad) };
            assert_eq!(answer, expected);
            assert!(f64::from(cost.said) <= log2(releases).ceil(), "{releases} {first_bad} {cost:?}");
        }
    }
}

#[test]
fn a_band_costs_a_few_tries_and_is_named_whole() {
    // As it is with a package whose old releases cannot be built any more, and whose first thirty of a new series cannot be imported.
    for early in [0, 100, 150, 190] {
        let (search, answer, cost) = search(&banded(296, early, 230, 200..231));
        assert_eq!(answer, Answer::Between(199, 231), "{early}");
        assert_eq!(search.unknown().iter().map(|(release, _)| *release).collect::<Vec<_>>(), (200..231).collect::<Vec<_>>());
        assert!(search.unknown().iter().filter(|(_, tried)| *tried).count() < 16);
        assert!(cost.said <= 9 && cost.unknown <= 16, "{early}: {cost:?}");
    }
}

#[test]
fn where_all_is_good_or_bad_or_neither_it_says_so() {
    assert_eq!(search(&vec![Verdict::Bad; 9]).1, Answer::AllBad(0));
    assert_eq!(search(&vec![Verdict::Good; 9]).1, Answer::AllGood(8));
    let (search, answer, _) = search(&vec![unknown("install"); 9]);
    assert_eq!((answer, search.unknown().len()), (Answer::Nothing, 9));
    assert_eq!(Search::new(0).next(), Next::Done(Answer::Nothing));
    let (search, answer, _) = self::search(&[unknown("a"), unknown("b"), Verdict::Bad, Verdict::Bad]);
    assert_eq!((answer, search.unknown()), (Answer::AllBad(2), vec![(0, true), (1, true)]));
}

#[test]
fn what_has_come_and_gone_is_told() {
    let mut search = Search::new(6);
    for (release, verdict) in [(0, Verdict::Good), (1, Verdict::Bad), (3, Verdict::Good), (5, Verdict::Bad)] {
        search.tell(release, verdict);
    }
    assert_eq!(search.next(), Next::Try(4));
    assert_eq!(search.earlier_bad(), [1]);
    search.tell(4, unknown("import"));
    assert_eq!((search.next(), search.unknown()), (Next::Done(Answer::Between(3, 5)), vec![(4, true)]));
}

#[test]
fn what_is_told_before_is_not_tried_again() {
    let truth = banded(100, 0, 70, 0..0);
    let mut resumed = Search::new(100);
    resumed.know(99, Verdict::Bad);
    let Next::Try(first) = resumed.next() else { panic!("nothing to try") };
    resumed.tell(first, truth[first].clone());
    let mut again = Search::new(100);
    again.know(99, Verdict::Bad);
    again.tell(first, truth[first].clone());
    assert_eq!(again.next(), resumed.next());
    assert_eq!((again.at_most(), Search::new(0).at_most(), Search::new(1).at_most()), (6, 0, 1));
}

fn sequences(kinds: usize) -> impl Strategy<Value = Vec<Verdict>> {
    (1..200usize).prop_flat_map(move |releases| {
        (0..releases, prop::collection::vec((0..releases, 1..40usize, 0..kinds), 0..6)).prop_map(move |(first_bad, bands)| {
            let mut truth: Vec<Verdict> = (0..releases).map(|place| if place < first_bad { Verdict::Good } else { Verdict::Bad }).collect();
            for (index, (start, length, kind)) in bands.into_iter().enumerate() {
                // Of one kind each, or of a few kinds that come again.
                let kind = if kinds == 1 { index } else { kind };
                let last = truth.len() - 1;
                truth[start.min(last)..(start + length).min(last)].fill(unknown(&kind.to_string()));
            }
            truth
        })
    })
}

fn bands_of(truth: &[Verdict]) -> u32 {
    let starts = truth.iter().enumerate().filter(|(place, verdict)| matches!(verdict, Verdict::Unknown(_)) && (*place == 0 || truth[*place - 1] != **verdict));
    u32::try_from(starts.count()).unwrap_or(u32::MAX)
}

proptest! {
    #[test]
    fn whatever_the_holes_the_boundary_is_found_in_few_tries(truth in sequences(1)) {
        let (search, answer, cost) = search(&truth);
        let good = truth.iter().rposition(|verdict| *verdict == Verdict::Good);
        let bad = truth.iter().position(|verdict| *verdict == Verdict::Bad);
        let split = bands_of(&truth);
        // A band that another one cut in two is of one kind on both sides: between them nothing is looked for.
        prop_assume!(truth.iter().enumerate().all(|(place, verdict)| !matches!(verdict, Verdict::Unknown(_)) || truth[..place].iter().rposition(|other| other == verdict).is_none_or(|before| before + 1 == place)));
        match (good, bad) {
            (Some(good), Some(bad)) => {
                prop_assert_eq!(answer, Answer::Between(good, bad));
                prop_assert_eq!(search.unknown().into_iter().map(|(release, _)| release).collect::<Vec<_>>(), (good + 1..bad).collect::<Vec<_>>());
            }
            (None, Some(bad)) => prop_assert_eq!(answer, Answer::AllBad(bad)),
            _ => prop_assert!(false, "the last release is bad"),
        }
        prop_assert!(f64::from(cost.said) <= log2(truth.len()) + 1.0, "{:?} of {} with {} bands", cost, truth.len(), split);
    }

    #[test]
    fn holes_of_one_kind_that_come_again_never_make_a_wrong_answer(truth in sequences(3)) {
        let (search, answer, _) = search(&truth);
        if let Answer::Between(good, bad) = answer {
            prop_assert!(good < bad && truth[good] == Verdict::Good && truth[bad] == Verdict::Bad);
            // All between is named, tried or not, and each that was tried is unknown.
            prop_assert_eq!(search.unknown().len(), bad - good - 1);
            prop_assert!(search.unknown().iter().all(|(release, tried)| !tried || matches!(truth[*release], Verdict::Unknown(_))));
        }
        prop_assert!(search.earlier_bad().is_empty());
    }

    #[test]
    fn what_is_not_monotone_ends_as_well(bits in prop::collection::vec(0..3u8, 1..60)) {
        let truth: Vec<Verdict> = bits.iter().map(|bit| match bit { 0 => Verdict::Good, 1 => Verdict::Bad, _ => unknown("import") }).collect();
        let (search, answer, cost) = search(&truth);
        prop_assert!(cost.said + cost.unknown <= u32::try_from(truth.len()).unwrap_or(u32::MAX));
        if let Answer::Between(good, bad) = answer {
            prop_assert!(truth[good] == Verdict::Good && truth[bad] == Verdict::Bad && good < bad);
        }
        prop_assert!(search.earlier_bad().iter().all(|release| truth[*release] == Verdict::Bad));
    }
}
