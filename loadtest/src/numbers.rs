//! Numbers as people read them.

/// A whole number, with its thousands apart.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A figure that is not below 0, with no more digits than say something.
pub(crate) fn figure(number: f64) -> String {
    if number >= 10_000_000.0 {
        return format!("{}M", shortest(number / 1_000_000.0, 1));
    }
    if number >= 100.0 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "from 100 to ten million"
        )]
        return count(number.round() as u64);
    }
    shortest(number, if number >= 10.0 { 1 } else { 2 })
}

/// A time of so many ms, in the unit that suits it.
pub(crate) fn time(ms: f64) -> String {
    // With what rounding makes of it.
    if ms < 0.9995 {
        format!("{:.0} µs", ms * 1_000.0)
    } else if ms < 999.5 {
        format!("{} ms", digits(ms))
    } else {
        format!("{} s", digits(ms / 1_000.0))
    }
}

/// Three digits.
fn digits(number: f64) -> String {
    let behind = usize::from(number < 9.995) + usize::from(number < 99.95);
    shortest(number, behind)
}

/// So many seconds, with minutes and hours where there are any.
pub(crate) fn clock(seconds: f64) -> String {
    let whole = seconds.floor();
    let (hours, minutes) = ((whole / 3_600.0).floor(), (whole / 60.0).floor() % 60.0);
    let seconds = whole % 60.0;
    if hours >= 1.0 {
        format!("{hours:.0} h {minutes:.0} min")
    } else if minutes >= 1.0 {
        format!("{minutes:.0} min {seconds:.0} s")
    } else {
        format!("{seconds:.0} s")
    }
}

/// So many digits behind the point at most.
fn shortest(number: f64, behind: usize) -> String {
    let text = format!("{number:.behind$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_right() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(count(number), text);
        }
        for (number, text) in [
            (0.0, "0"),
            (0.05, "0.05"),
            (2.5, "2.5"),
            (60.04, "60"),
            (600_000.0, "600,000"),
            (12_500_000.0, "12.5M"),
        ] {
            assert_eq!(figure(number), text);
        }
        for (ms, text) in [
            (0.012, "12 µs"),
            (0.9999, "1 ms"),
            (5.6, "5.6 ms"),
            (124.4, "124 ms"),
            (999.9, "1 s"),
            (2_340.0, "2.34 s"),
        ] {
            assert_eq!(time(ms), text);
        }
        for (seconds, text) in [
            (59.9, "59 s"),
            (600.0, "10 min 0 s"),
            (7_265.0, "2 h 1 min"),
        ] {
            assert_eq!(clock(seconds), text);
        }
    }
}
