//! How a search is read: as beginnings of words, and as a part of the text.

use plaza_types::SearchQuery;

/// Shortest run of letters and digits that the index of parts can find.
const INDEXED_PART: usize = 3;

/// A search for rooms, in the forms that PostgreSQL takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Search {
    /// The text in lower case.
    pub(crate) text: String,
    /// A `tsquery` (configuration `simple`) of which every word must occur.
    pub(crate) words: String,
    /// The same, in the name alone (weight A).
    pub(crate) name_words: String,
    /// A `LIKE` pattern of texts that contain the text.
    pub(crate) part: String,
    /// Whether the index of parts can find `part` and what is similar.
    pub(crate) indexed: bool,
}

impl Search {
    /// Reads a search; none when there is nothing to search for.
    pub(crate) fn new(query: &SearchQuery) -> Option<Self> {
        let text = query.as_str().to_lowercase();
        if text.is_empty() {
            return None;
        }
        let longest = text
            .split(|c: char| !c.is_alphanumeric())
            .map(|run| run.chars().count())
            .max();
        Some(Self {
            words: tsquery(&text, ""),
            name_words: tsquery(&text, "A"),
            part: pattern(&text),
            indexed: longest >= Some(INDEXED_PART),
            text,
        })
    }
}

/// Each word quoted, so that PostgreSQL splits it as it splits a document.
/// A word matches what begins with it; one letter matches itself alone, since
/// half of all rooms have a word that begins with it.
fn tsquery(text: &str, weight: &str) -> String {
    let words: Vec<String> = text
        .split_whitespace()
        .map(|word| {
            let letters = word.chars().filter(|c| c.is_alphanumeric());
            let prefix = if letters.count() > 1 { "*" } else { "" };
            let quoted = word.replace('\\', "\\\\").replace('\'', "''");
            match (prefix, weight) {
                ("", "") => format!("'{quoted}'"),
                _ => format!("'{quoted}':{prefix}{weight}"),
            }
        })
        .collect();
    words.join(" & ")
}

fn pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(text: &str) -> Option<Search> {
        Search::new(&SearchQuery::parse(text).unwrap())
    }

    #[test]
    fn nothing_to_search_for_is_no_search() {
        assert_eq!(search("  "), None);
    }

    #[test]
    fn words_match_by_their_beginning_and_letters_by_themselves() {
        let search = search("Rust b  Ber").unwrap();
        assert_eq!(search.text, "rust b  ber");
        assert_eq!(search.words, "'rust':* & 'b' & 'ber':*");
        assert_eq!(search.name_words, "'rust':*A & 'b':A & 'ber':*A");
    }

    #[test]
    fn what_has_a_meaning_in_a_query_is_escaped() {
        let search = search(r"100% o'neil c++ a_b \").unwrap();
        assert_eq!(
            search.words,
            r"'100%':* & 'o''neil':* & 'c++' & 'a_b':* & '\\'"
        );
        assert_eq!(search.part, r"%100\% o'neil c++ a\_b \\%");
    }

    #[test]
    fn parts_shorter_than_three_letters_have_no_index() {
        for (text, indexed) in [
            ("go", false),
            ("c++", false),
            ("a-b c", false),
            ("東京", false),
            ("🚀🚀🚀", false),
            ("rust", true),
            ("散歩道", true),
            ("a bcd", true),
        ] {
            assert_eq!(search(text).unwrap().indexed, indexed, "{text}");
        }
    }
}
