//! What must be refused before the parser sees it: the parser recurses at
//! every bracket, and takes every `\u` escape for a whole character.

use plaza_types::{ApiError, Code};

/// Deepest nesting of brackets: more than any operation within the limits has.
const MAX_NESTING: u32 = 64;

/// Refuses a document that is longer than `max_bytes`, nests too deep, or whose strings hold a surrogate.
pub(super) fn check(query: &str, max_bytes: usize) -> Result<(), ApiError> {
    if query.trim_ascii().is_empty() {
        return Err(ApiError::bad_input("query", "There is no query."));
    }
    if query.len() > max_bytes {
        return Err(ApiError::bad_input(
            "query",
            format!("The query can have at most {max_bytes} bytes; send texts as variables."),
        ));
    }
    let mut rest = query.as_bytes();
    let mut depth = 0u32;
    while let Some((byte, after)) = rest.split_first() {
        rest = match byte {
            b'{' | b'[' | b'(' => {
                depth += 1;
                if depth > MAX_NESTING {
                    return Err(ApiError::new(
                        Code::BadUserInput,
                        "The query is nested too deep.",
                    ));
                }
                after
            }
            b'}' | b']' | b')' => {
                depth = depth.saturating_sub(1);
                after
            }
            b'#' => behind_comment(after),
            b'"' => match after.strip_prefix(b"\"\"") {
                Some(text) => behind_block_string(text),
                None => behind_string(after)?,
            },
            _ => after,
        };
    }
    Ok(())
}

fn behind_comment(text: &[u8]) -> &[u8] {
    text.iter()
        .position(|byte| matches!(byte, b'\n' | b'\r'))
        .map_or(&[], |end| &text[end..])
}

fn behind_block_string(mut text: &[u8]) -> &[u8] {
    loop {
        if let Some(after) = text.strip_prefix(b"\"\"\"") {
            return after;
        }
        text = match text.strip_prefix(br#"\""""#) {
            Some(after) => after,
            None => match text.split_first() {
                Some((_, after)) => after,
                None => return text,
            },
        };
    }
}

fn behind_string(mut text: &[u8]) -> Result<&[u8], ApiError> {
    while let Some((byte, after)) = text.split_first() {
        text = match byte {
            // A string ends with its line: the parser will say so.
            b'"' | b'\n' | b'\r' => return Ok(after),
            b'\\' => match after.split_first() {
                Some((b'u', digits)) if is_surrogate(digits) => {
                    return Err(ApiError::new(
                        Code::BadUserInput,
                        "A string holds a surrogate (\\uD800 to \\uDFFF). Write the character itself, or send it as a variable.",
                    ));
                }
                Some((_, after)) => after,
                None => after,
            },
            _ => after,
        };
    }
    Ok(text)
}

/// U+D800 to U+DFFF, written in hex.
fn is_surrogate(digits: &[u8]) -> bool {
    matches!(
        digits,
        [b'd' | b'D', b'8' | b'9' | b'a'..=b'f' | b'A'..=b'F', ..]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(query: &str) -> Result<(), ApiError> {
        super::check(query, 1 << 20)
    }

    #[test]
    fn the_text_is_bounded() {
        assert!(super::check("{ me { id } }", 13).is_ok());
        assert!(super::check("{ me  { id } }", 13).is_err());
    }

    #[test]
    fn nesting_is_bounded_wherever_the_parser_recurses() {
        for bracket in ["{a", "[", "(a:", "{a(b:[{c:"] {
            assert!(check(&bracket.repeat(100_000)).is_err(), "{bracket}");
        }
        assert!(check(&format!("{}{}", "{a".repeat(64), "}".repeat(64))).is_ok());
    }

    #[test]
    fn brackets_in_strings_and_comments_are_text() {
        let many = "([{".repeat(100);
        for text in [
            format!("{{a(b:\"{many}\")}}"),
            format!("{{a(b:\"\\\"{many}\")}}"),
            format!("{{a(b:\"\"\"{many}\\\"\"\"{many}\"\"\")}}"),
            format!("# {many}\n{{a}}"),
        ] {
            assert!(check(&text).is_ok(), "{text}");
        }
        // What follows the string counts again.
        assert!(check(&format!("{{a(b:\"\"){many}")).is_err());
        assert!(check(&format!("#\n{many}")).is_err());
    }

    #[test]
    fn a_surrogate_is_refused_before_the_parser_meets_it() {
        for bad in [r#"{a(b:"\uD800")}"#, r#"{a(b:"x\udFfFx")}"#] {
            assert!(check(bad).is_err(), "{bad}");
        }
        for good in [
            r#"{a(b:"\uD7FF")}"#,
            r#"{a(b:"\\uD800")}"#,
            r#"{a(b:"\uE000")}"#,
        ] {
            assert!(check(good).is_ok(), "{good}");
        }
    }
}
