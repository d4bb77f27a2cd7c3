//! A child's output, line by line.

use std::fmt;
use std::io::Read;
use std::sync::Arc;

/// A longer line is given in pieces of this many bytes.
const LINE_BYTES: usize = 64 * 1024;

/// Receives each line of a child's output, without its end. It is called on a
/// thread of its own; while it blocks, the child may block too.
#[derive(Clone)]
pub struct LineSink(Arc<Receive>);

type Receive = dyn Fn(&[u8]) + Send + Sync;

impl LineSink {
    /// A sink that calls `receive` for each line.
    pub fn new(receive: impl Fn(&[u8]) + Send + Sync + 'static) -> Self {
        Self(Arc::new(receive))
    }

    /// Gives a line of our own.
    pub(crate) fn give(&self, line: &str) {
        (self.0)(line.as_bytes());
    }

    /// Reads to the end.
    pub(crate) fn read(&self, mut source: impl Read) {
        let mut pending = Vec::new();
        let mut piece = [0; 8192];
        loop {
            let read = match source.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(_) => break,
            };
            for part in piece[..read].split_inclusive(|byte| *byte == b'\n') {
                pending.extend_from_slice(part);
                if part.ends_with(b"\n") {
                    pending.pop();
                } else if pending.len() < LINE_BYTES {
                    continue;
                }
                (self.0)(&pending);
                pending.clear();
            }
        }
        if !pending.is_empty() {
            (self.0)(&pending);
        }
    }
}

impl fmt::Debug for LineSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LineSink")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    fn lines(text: &[u8]) -> Vec<Vec<u8>> {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&heard);
        LineSink::new(move |line| into.lock().unwrap().push(line.to_vec())).read(text);
        std::mem::take(&mut heard.lock().unwrap())
    }

    #[test]
    fn each_line_comes_once_and_the_last_without_its_end() {
        assert_eq!(
            lines(b"one\n\ntwo"),
            [b"one".to_vec(), vec![], b"two".to_vec()]
        );
        assert!(lines(b"").is_empty());
    }

    #[test]
    fn a_line_without_end_comes_in_bounded_pieces() {
        let long = vec![b'x'; 3 * LINE_BYTES + 5];
        let pieces = lines(&long);
        assert!(pieces.iter().all(|piece| piece.len() < LINE_BYTES + 8192));
        assert_eq!(pieces.concat(), long);
    }
}
