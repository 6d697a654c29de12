//! How several fields become one text for a key, a name or a tag.

/// Appends `bytes` after their length (32 bits, big-endian): no two lists of fields give the same result.
pub(crate) fn push_prefixed(to: &mut Vec<u8>, bytes: &[u8]) {
    // No field comes near 4 GiB.
    to.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    to.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(fields: &[&[u8]]) -> Vec<u8> {
        let mut all = Vec::new();
        for field in fields {
            push_prefixed(&mut all, field);
        }
        all
    }

    #[test]
    fn no_two_lists_of_fields_are_the_same_text() {
        let lists: [&[&[u8]]; 6] = [&[], &[b""], &[b"", b""], &[b"ab"], &[b"a", b"b"], &[b"", b"ab"]];
        for (i, one) in lists.iter().enumerate() {
            for other in &lists[i + 1..] {
                assert_ne!(encoded(one), encoded(other));
            }
        }
        assert_eq!(encoded(&[b"ab", b""]), b"\0\0\0\x02ab\0\0\0\0");
    }
}
