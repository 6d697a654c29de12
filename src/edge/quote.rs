//! Text from outside in a message.

/// The most that is repeated of a text, in characters.
const LONGEST: usize = 128;

/// A text from outside as a message repeats it: in backticks, short and printable, whoever wrote it.
///
/// What is neither visible ASCII nor a space is escaped as in `\u{202e}`, and so are backticks, backslashes and the brackets of
/// markup. What is too long is cut off, and ends in `...`.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut shown = String::new();
    for one in text.chars() {
        let before = shown.len();
        if one == ' ' || (one.is_ascii_graphic() && !matches!(one, '`' | '\\' | '<' | '>')) {
            shown.push(one);
        } else {
            shown.extend(one.escape_unicode());
        }
        if shown.len() > LONGEST {
            shown.truncate(before);
            shown.push_str("...");
            break;
        }
    }
    ["`", &shown, "`"].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_short_text_is_repeated_as_it_is() {
        for text in ["", "extra", "https://other.example:8443", "two words", "a&\"'b"] {
            assert_eq!(quoted(text), format!("`{text}`"));
        }
    }

    #[test]
    fn what_cannot_be_seen_or_ends_the_quotation_is_escaped() {
        for (text, shown) in [
            ("a`b", "`a\\u{60}b`"),
            ("a\\b", "`a\\u{5c}b`"),
            ("<b>", "`\\u{3c}b\\u{3e}`"),
            ("\u{1b}[31mred", "`\\u{1b}[31mred`"),
            ("\u{202e}live", "`\\u{202e}live`"),
            ("a\u{200b}b\n", "`a\\u{200b}b\\u{a}`"),
            ("größe", "`gr\\u{f6}\\u{df}e`"),
        ] {
            assert_eq!(quoted(text), shown);
        }
    }

    #[test]
    fn a_long_text_is_cut_off() {
        assert_eq!(quoted(&"x".repeat(9_000)), format!("`{}...`", "x".repeat(128)));
        assert_eq!(quoted(&"x".repeat(128)), format!("`{}`", "x".repeat(128)));
        // No escape is cut in two.
        assert_eq!(
            quoted(&"\u{202e}".repeat(9_000)),
            format!("`{}...`", "\\u{202e}".repeat(16))
        );
    }

    proptest! {
        #[test]
        fn whatever_it_is_it_is_short_and_printable(text in any::<String>()) {
            let shown = quoted(&text);
            prop_assert!(shown.len() <= LONGEST + 5, "{shown}");
            prop_assert!(shown.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()));
            prop_assert_eq!(shown.matches('`').count(), 2);
        }
    }
}
