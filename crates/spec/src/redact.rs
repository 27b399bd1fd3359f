//! Where a line of a file may hold a secret, judged by its text alone.
//!
//! Text and not the parsed tree, because a file that cannot be parsed is quoted too.

use std::collections::BTreeMap;

const WORDS: [&str; 5] = ["secret", "token", "password", "passwd", "credential"];

/// Finds the lines that may show a secret: line (from 1) to the characters that may be shown.
///
/// A value goes on until a line that is indented no deeper and looks like another field.
pub(crate) fn hidden<'a>(lines: impl Iterator<Item = &'a str>) -> BTreeMap<usize, usize> {
    let mut hidden = BTreeMap::new();
    let mut open: Option<usize> = None;
    for (number, line) in (1..).zip(lines) {
        let indent = line.chars().take_while(|c| c.is_whitespace()).count();
        let key = after_sensitive_key(line);
        let goes_on = open.is_some_and(|outer| indent > outer || !looks_like_a_field(line));
        match (goes_on, key) {
            (_, Some(shown)) => {
                hidden.insert(number, shown);
            }
            (true, None) => {
                hidden.insert(number, indent);
            }
            (false, None) => {}
        }
        if !goes_on {
            open = key.map(|_| indent);
        }
    }
    hidden
}

/// Gives the beginning of one line of text up to the end of the first word that announces a
/// secret; a single word is a name, and stays whole.
pub(crate) fn shown(line: &str) -> &str {
    if line.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) {
        return line;
    }
    let lower = line.to_ascii_lowercase();
    let end = |word: &&str| lower.find(word).map(|at| at + word.len());
    WORDS.iter().filter_map(end).min().map_or(line, |end| &line[..end])
}

/// Says whether a field of this name holds a secret, whatever its spelling.
fn sensitive(key: &str) -> bool {
    let plain: String = key.chars().filter(char::is_ascii_alphanumeric).collect();
    let plain = plain.to_ascii_lowercase();
    plain != "secretskey" && WORDS.iter().any(|word| plain.contains(word))
}

/// Counts the characters up to the end of the first sensitive key, its colon included.
fn after_sensitive_key(line: &str) -> Option<usize> {
    let chars: Vec<char> = line.chars().collect();
    let mut at = 0;
    let mut key_may_start = true;
    while at < chars.len() {
        let c = chars[at];
        if key_may_start && is_key_char(c) {
            let end = at + chars[at..].iter().take_while(|c| is_key_char(**c)).count();
            let key: String = chars[at..end].iter().collect();
            if sensitive(&key) {
                let rest = &chars[end..];
                let quotes = rest.iter().take_while(|c| "'\"".contains(**c)).count();
                let colon = usize::from(rest.get(quotes) == Some(&':'));
                return Some(end + quotes + colon);
            }
            at = end;
            key_may_start = key.chars().all(|c| c == '-');
            continue;
        }
        key_may_start = match c {
            '{' | '[' | ',' | '?' => true,
            c => key_may_start && (c.is_whitespace() || "'\"".contains(c)),
        };
        at += 1;
    }
    None
}

fn is_key_char(c: char) -> bool {
    c.is_alphanumeric() || "_-.".contains(c)
}

fn looks_like_a_field(line: &str) -> bool {
    let text = line.trim_start().trim_start_matches(['"', '\'']);
    let after = text.trim_start_matches(is_key_char);
    after.len() < text.len() && after.trim_start_matches(['"', '\'']).starts_with(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let hidden = hidden(text.lines());
        let line = |(number, line): (usize, &str)| match hidden.get(&number) {
            Some(shown) => line.chars().take(*shown).collect::<String>() + "…",
            None => line.to_owned(),
        };
        (1..).zip(text.lines()).map(line).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn hides_what_follows_a_sensitive_key() {
        for (text, wanted) in [
            ("name: acme", "name: acme"),
            ("secrets: hunter2\nname: acme", "secrets:…|name: acme"),
            (
                "secrets:\n  registryToken: |\n    hunter2\n\n    more\ntags: {}",
                "secrets:…|  registryToken:…|    …|…|    …|tags: {}",
            ),
            (
                "secrets: {\nregistryToken:\nhunter2}\ntags: {}",
                "secrets:…|registryToken:…|…|tags: {}",
            ),
            ("a: { b: c, registry_token: hunter2 }", "a: { b: c, registry_token:…"),
            ("\"registryToken\": \"hunter2\"", "\"registryToken\":…"),
            ("registryToken hunter2", "registryToken…"),
            ("  - password: hunter2\n    name: x\n  - name: y", "  - password:…|    …|  …"),
            ("secretsKey: own", "secretsKey: own"),
            ("name: my-token-app", "name: my-token-app"),
        ] {
            assert_eq!(shown(text), wanted, "{text}");
        }
    }
}
