//! Nothing is changed for what one look says.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::Times;

/// Looks that are remembered, whatever the times are.
const MOST: usize = 4_096;

/// What was wanted lately, since the last change.
#[derive(Debug, Default)]
pub(super) struct Steady(VecDeque<(Instant, i32)>);

impl Steady {
    /// Takes what is wanted now and answers the number to go to: as many more
    /// as were wanted all the time, one less, or `count` itself.
    pub(super) fn step(&mut self, now: Instant, count: i32, want: i32, times: &Times) -> i32 {
        let wanted = &mut self.0;
        if let Some((last, _)) = wanted.back()
            && now.saturating_duration_since(*last) > times.gap()
        {
            wanted.clear();
        }
        wanted.push_back((now, want));
        let longest = times.down.max(times.up);
        // One that is older stays, to show that the time is filled.
        while wanted.len() > MOST
            || wanted
                .get(1)
                .is_some_and(|(at, _)| now.saturating_duration_since(*at) >= longest)
        {
            wanted.pop_front();
        }
        let least = wanted_for(wanted, now, times.up).map(Iterator::min);
        if let Some(Some(least)) = least
            && least > count
        {
            return least;
        }
        let most = wanted_for(wanted, now, times.down).map(Iterator::max);
        match most {
            Some(Some(most)) if most < count => count - 1,
            _ => count,
        }
    }

    /// Begins anew: what was wanted was for another number.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }
}

/// What was wanted in the last while; `None`: it is not known for so long.
fn wanted_for(
    wanted: &VecDeque<(Instant, i32)>,
    now: Instant,
    span: Duration,
) -> Option<impl Iterator<Item = i32>> {
    let (first, _) = wanted.front()?;
    let filled = now.saturating_duration_since(*first) >= span;
    filled.then(|| {
        wanted
            .iter()
            .filter(move |(at, _)| now.saturating_duration_since(*at) <= span)
            .map(|(_, want)| *want)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn more_come_when_more_were_wanted_all_the_time() {
        let (mut steady, times, start) = (Steady::default(), Times::default(), Instant::now());
        assert_eq!(steady.step(start, 2, 5, &times), 2);
        assert_eq!(steady.step(at(start, 15), 2, 4, &times), 2);
        assert_eq!(steady.step(at(start, 30), 2, 6, &times), 4, "the least");
        steady.forget();
        assert_eq!(steady.step(at(start, 45), 4, 6, &times), 4);
        assert_eq!(steady.step(at(start, 60), 4, 4, &times), 4, "not any more");
        assert_eq!(steady.step(at(start, 75), 4, 6, &times), 4);
    }

    #[test]
    fn one_goes_after_the_whole_window() {
        let (mut steady, times, start) = (Steady::default(), Times::default(), Instant::now());
        for look in 0..20 {
            assert_eq!(steady.step(at(start, look * 15), 4, 1, &times), 4);
        }
        assert_eq!(steady.step(at(start, 300), 4, 1, &times), 3);
    }

    #[test]
    fn one_look_that_wants_it_keeps_a_pod_for_another_window() {
        let (mut steady, times, start) = (Steady::default(), Times::default(), Instant::now());
        for look in 0..=60 {
            let want = if look == 10 { 4 } else { 1 };
            let to = steady.step(at(start, look * 15), 4, want, &times);
            assert_eq!(to, if look <= 30 { 4 } else { 3 }, "look {look}");
        }
    }

    #[test]
    fn looks_with_a_hole_between_them_do_not_add_up() {
        let (mut steady, times, start) = (Steady::default(), Times::default(), Instant::now());
        assert_eq!(steady.step(start, 2, 5, &times), 2);
        assert_eq!(steady.step(at(start, 50), 2, 5, &times), 2);
        assert_eq!(steady.step(at(start, 600), 2, 1, &times), 2);
    }
}
