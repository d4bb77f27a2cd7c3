//! What makes two usernames the same name.

use caseless::Caseless;
use plaza_types::Username;
use unicode_normalization::UnicodeNormalization;

/// The form that usernames are compared in: a compatibility caseless match
/// (The Unicode Standard, section 3.13, D146), composed. The result depends on
/// neither locale nor place in the word, and is its own key.
pub(crate) fn username_key(username: &Username) -> String {
    fold(username.as_str())
}

fn fold(text: &str) -> String {
    text.nfd()
        .default_case_fold()
        .nfkd()
        .default_case_fold()
        .nfkc()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(text: &str) -> String {
        username_key(&Username::parse(text).unwrap())
    }

    #[test]
    fn names_that_differ_in_case_or_form_are_the_same_name() {
        for (one, other) in [
            ("Ada", "ADA"),
            ("МАРИЯ", "мария"),
            ("ＡＤＡ", "ada"),
            ("ΝΊΚΟΣ", "νίκος"),
            ("straße", "STRASSE"),
            ("STRAẞE", "strasse"),
            ("ﬁona", "FIONA"),
        ] {
            assert_eq!(key(one), key(other), "{one} and {other}");
        }
        assert_ne!(key("ada"), key("adá"));
    }

    proptest! {
        #[test]
        fn a_key_is_the_key_of_itself(name in "[\\p{L}\\p{M}\\p{N}]{2,32}") {
            let once = fold(&name);
            prop_assert_eq!(fold(&once), once);
        }
    }
}
