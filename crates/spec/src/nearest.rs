//! The word that somebody who mistyped one probably meant.

/// Gives the candidate nearest to a word, if one is near enough to be meant.
///
/// Case, `-` and `_` do not count: `disk_gb` is `diskGb`.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const LONGEST: usize = 40;
    if word.len() > LONGEST {
        return None;
    }
    let word = letters(word);
    let near = (word.len() / 3).max(1);
    let distances = candidates.into_iter().map(|each| (distance(&word, &letters(each)), each));
    distances.filter(|(far, _)| *far <= near).min_by_key(|(far, _)| *far).map(|(_, each)| each)
}

fn letters(word: &str) -> Vec<char> {
    word.chars().filter(|c| !"-_".contains(*c)).flat_map(char::to_lowercase).collect()
}

/// Counts insertions, deletions, replacements and swaps of neighbours.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant() {
        let names = ["machine", "capacity", "min", "max", "diskGb", "labels"];
        for (word, wanted) in [
            ("machines", Some("machine")),
            ("mahcine", Some("machine")),
            ("disk_gb", Some("diskGb")),
            ("mix", Some("min")),
            ("lables", Some("labels")),
            ("colour", None),
            ("", None),
            ("x", None),
        ] {
            assert_eq!(nearest(word, names), wanted, "{word}");
        }
        assert_eq!(nearest(&"m".repeat(1000), names), None);
    }
}
