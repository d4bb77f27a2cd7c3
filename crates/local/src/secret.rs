//! Random secrets of the local servers.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;

use crate::LocalError;

/// `bytes` bytes from the system's generator, as lower-case hexadecimal.
///
/// # Errors
/// [`LocalError::Random`] where the system has no generator.
pub fn random_hex(bytes: usize) -> Result<String, LocalError> {
    let mut raw = vec![0_u8; bytes];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut raw))
        .map_err(|_| LocalError::Random)?;
    Ok(raw.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    }))
}
