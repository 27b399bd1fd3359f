//! Colours, widths, and breaking lines.
use std::io::{self, IsTerminal};

/// The width of lines that go to a file or another program.
const WIDTH: usize = 100;
/// The width of a terminal that does not tell its own.
const TERMINAL_WIDTH: usize = 80;
/// The least width that is kept to; narrower terminals break lines by themselves.
const NARROWEST: usize = 40;

/// How text is set: whether in colour, and how wide.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    /// Whether escape codes may be written.
    pub(crate) color: bool,
    /// How many columns a line may take.
    pub(crate) width: usize,
}

/// What a word looks like where there are colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Paint {
    #[default]
    Plain,
    Bold,
    Dim,
    Red,
    Green,
    Yellow,
    Cyan,
}

/// Something that lines are not broken within, and its looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) paint: Paint,
}

impl Word {
    /// Makes a word, which may hold spaces. Control characters are made harmless.
    pub(super) fn new(paint: Paint, text: impl AsRef<str>) -> Self {
        Self { text: clean(text.as_ref()), paint }
    }

    /// Makes a word without looks.
    pub(super) fn plain(text: impl AsRef<str>) -> Self {
        Self::new(Paint::Plain, text)
    }
}

impl Style {
    /// Returns the style of standard output. `no_color` is the flag of that name; the variable
    /// `NO_COLOR` has the same effect unless it is empty.
    pub(crate) fn of_stdout(no_color: bool) -> Self {
        let terminal = io::stdout().is_terminal();
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
        let told = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        let width = columns.or_else(|| told().filter(|_| terminal));
        let width = width.unwrap_or(if terminal { TERMINAL_WIDTH } else { WIDTH });
        let color = terminal && !no_color && !set("NO_COLOR") && !dumb;
        Self { color, width: width.max(NARROWEST) }
    }

    /// Returns `text` with the escape codes for `paint`, if colours are on.
    pub(super) fn paint(&self, paint: Paint, text: &str) -> String {
        let code = match paint {
            Paint::Plain => return text.to_owned(),
            _ if !self.color || text.is_empty() => return text.to_owned(),
            Paint::Bold => "1",
            Paint::Dim => "2",
            Paint::Red => "31",
            Paint::Green => "32",
            Paint::Yellow => "33",
            Paint::Cyan => "36",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// Sets words in lines of at most `width` columns. A word wider than that is cut up.
    pub(super) fn lines(&self, words: &[Word], width: usize) -> Vec<String> {
        let mut lines = Vec::new();
        let (mut runs, mut used): (Vec<Word>, usize) = (Vec::new(), 0);
        for word in words.iter().flat_map(|word| cut(word, width.max(1))) {
            let size = columns(&word.text);
            if used > 0 && used + 1 + size > width {
                lines.push(self.line(&std::mem::take(&mut runs)));
                used = 0;
            }
            let gap = if used > 0 { " " } else { "" };
            used += gap.len() + size;
            match runs.last_mut() {
                Some(last) if last.paint == word.paint => {
                    last.text.push_str(gap);
                    last.text.push_str(&word.text);
                }
                last => {
                    if let Some(last) = last {
                        last.text.push_str(gap);
                    }
                    runs.push(word);
                }
            }
        }
        if used > 0 {
            lines.push(self.line(&runs));
        }
        lines
    }

    fn line(&self, runs: &[Word]) -> String {
        runs.iter().map(|run| self.paint(run.paint, &run.text)).collect()
    }
}

/// Splits running text into words.
pub(super) fn words(paint: Paint, text: &str) -> Vec<Word> {
    text.split_whitespace().map(|word| Word::new(paint, word)).collect()
}

/// Returns how many columns `text` takes, counting a character as one.
pub(super) fn columns(text: &str) -> usize {
    text.chars().count()
}

/// Replaces control characters, so that what a cloud says cannot steer the terminal.
pub(super) fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn cut(word: &Word, width: usize) -> Vec<Word> {
    if columns(&word.text) <= width {
        return vec![word.clone()];
    }
    let letters: Vec<char> = word.text.chars().collect();
    letters.chunks(width).map(|c| Word { text: c.iter().collect(), paint: word.paint }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_to_the_width_and_long_words_are_cut() {
        let style = Style { color: false, width: 80 };
        let lines = style.lines(&words(Paint::Dim, "one two three abcdefghijkl"), 8);
        assert_eq!(lines, ["one two", "three", "abcdefgh", "ijkl"]);
    }

    #[test]
    fn colours_are_there_only_when_they_are_on() {
        let two = [Word::new(Paint::Red, "a"), Word::new(Paint::Red, "b"), Word::plain("c")];
        let on = Style { color: true, width: 80 };
        assert_eq!(on.lines(&two, 80), ["\u{1b}[31ma b \u{1b}[0mc"]);
        assert_eq!(Style { color: false, ..on }.lines(&two, 80), ["a b c"]);
    }

    #[test]
    fn the_words_of_a_cloud_cannot_steer_the_terminal() {
        assert_eq!(Word::plain("a\u{1b}[2Jb").text, "a\u{fffd}[2Jb");
    }
}
