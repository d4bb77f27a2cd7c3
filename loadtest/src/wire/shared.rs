//! One reading of a frame for all its receivers: Centrifugo sends the same
//! bytes to every subscriber of a channel.

use std::{cell::RefCell, collections::VecDeque, sync::Arc};

use super::frame::{Line, UnreadableLine};

/// Frames that each thread remembers: while many subscribers take one, the
/// next are coming already.
const REMEMBERED: usize = 16;
/// Pushes alone are the same for many.
const PUSH: &str = r#"{"push":"#;

/// A frame as it came, and what is in it.
type Read = (Box<str>, Arc<[Line]>);

thread_local! {
    /// The newest is in front. A thread's own, so that nobody waits for it.
    static READ: RefCell<VecDeque<Read>> = const { RefCell::new(VecDeque::new()) };
}

/// Reads frames, each once a thread.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frames;

impl Frames {
    /// The lines of a frame.
    pub(crate) fn read(text: &str) -> Result<Arc<[Line]>, UnreadableLine> {
        if !text.starts_with(PUSH) {
            return lines(text);
        }
        READ.with_borrow_mut(|read| {
            if let Some((_, lines)) = read.iter().find(|(known, _)| **known == *text) {
                return Ok(lines.clone());
            }
            let lines = lines(text)?;
            read.truncate(REMEMBERED - 1);
            read.push_front((text.into(), lines.clone()));
            Ok(lines)
        })
    }
}

fn lines(text: &str) -> Result<Arc<[Line]>, UnreadableLine> {
    let lines = text.lines().filter(|line| !line.is_empty());
    lines.map(Line::read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(number: usize) -> String {
        format!(r#"{{"push":{{"channel":"c{number}","pub":{{"data":{{"events":[]}}}}}}}}"#)
    }

    #[test]
    fn the_same_frame_is_read_once() {
        let first = Frames::read(&frame(0)).unwrap();
        assert!(Arc::ptr_eq(&first, &Frames::read(&frame(0)).unwrap()));
        for number in 1..=REMEMBERED {
            let other = Frames::read(&frame(number)).unwrap();
            assert!(!Arc::ptr_eq(&first, &other));
        }
        let forgotten = Frames::read(&frame(0)).unwrap();
        assert!(!Arc::ptr_eq(&first, &forgotten), "it does not grow");
    }

    #[test]
    fn a_frame_may_hold_many_lines() {
        let text = format!("{}\n{{}}\n{}\n", frame(1), frame(2));
        assert_eq!(Frames::read(&text).unwrap().len(), 3);
        assert!(matches!(Frames::read("{}").unwrap()[..], [Line::Ping]));
    }
}
