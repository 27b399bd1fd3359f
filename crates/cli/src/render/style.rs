//! Colours, widths, and breaking lines.
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;

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
        Self::of(&io::stdout(), WIDTH, no_color)
    }

    /// Returns the style of standard error. Where that is no terminal, nothing is broken: what is
    /// searched for in a log stands in one line.
    pub(crate) fn of_stderr(no_color: bool) -> Self {
        Self::of(&io::stderr(), usize::MAX, no_color)
    }

    fn of(stream: &(impl IsTerminal + AsFd), elsewhere: usize, no_color: bool) -> Self {
        let terminal = stream.is_terminal();
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
        let told = || terminal_size::terminal_size_of(stream).map(|(width, _)| width.0.into());
        let width = match terminal {
            true => columns.or_else(told).unwrap_or(TERMINAL_WIDTH),
            false => columns.unwrap_or(elsewhere),
        };
        let color = terminal && !no_color && !set("NO_COLOR") && !is_dumb();
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

    /// Sets words in lines of at most `width` columns. A word wider than that has a line of its
    /// own and is not cut: a terminal breaks it by itself, and it can still be copied whole.
    pub(super) fn lines(&self, words: &[Word], width: usize) -> Vec<String> {
        let mut lines = Vec::new();
        let (mut runs, mut used): (Vec<Word>, usize) = (Vec::new(), 0);
        for word in words.iter().cloned() {
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

/// Tells whether the terminal says of itself that it knows no escape codes.
pub(super) fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

/// Splits running text into words.
pub(super) fn words(paint: Paint, text: &str) -> Vec<Word> {
    text.split_whitespace().map(|word| Word::new(paint, word)).collect()
}

/// Splits running text into words, and leaves what stands in backticks in one piece, so that it
/// can be copied from one line.
pub(super) fn phrases(paint: Paint, text: &str) -> Vec<Word> {
    let mut all: Vec<Word> = Vec::new();
    let mut open = false;
    for word in text.split_whitespace() {
        match all.last_mut().filter(|_| open) {
            Some(last) => last.text.push_str(&format!(" {}", clean(word))),
            None => all.push(Word::new(paint, word)),
        }
        open ^= word.matches('`').count() % 2 == 1;
    }
    if open { words(paint, text) } else { all }
}

/// Returns how many columns `text` takes, counting a character as one.
pub(super) fn columns(text: &str) -> usize {
    text.chars().count()
}

/// Returns `text` in at most `width` columns, with `…` in the place of what does not fit.
pub(super) fn fit(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    if width == 0 { kept } else { kept + "…" }
}

/// Replaces control characters, so that what a cloud says cannot steer the terminal.
pub(super) fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_to_the_width_and_long_words_stay_whole() {
        let style = Style { color: false, width: 80 };
        let lines = style.lines(&words(Paint::Dim, "one two three abcdefghijkl"), 8);
        assert_eq!(lines, ["one two", "three", "abcdefghijkl"]);
    }

    #[test]
    fn what_can_be_copied_is_not_broken() {
        let style = Style { color: false, width: 80 };
        let lines = style.lines(&phrases(Paint::Dim, "take it over with `--adopt vpc`"), 24);
        assert_eq!(lines, ["take it over with", "`--adopt vpc`"]);
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
