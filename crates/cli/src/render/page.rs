//! Puts lines under one another.
use super::style::{Paint, Style, Word, columns, words};

/// The narrowest column that text is still set beside something else in.
const NARROW: usize = 20;

/// Text that grows line by line and keeps to a style.
pub(super) struct Page {
    pub(super) style: Style,
    text: String,
}

impl Page {
    pub(super) fn new(style: &Style) -> Self {
        Self { style: *style, text: String::new() }
    }

    /// Ends the page. The last line ends with a line break, unless there is none.
    pub(super) fn text(self) -> String {
        self.text
    }

    /// Adds an empty line, except at the top and after another one.
    pub(super) fn gap(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// Adds a heading after an empty line.
    pub(super) fn heading(&mut self, paint: Paint, text: &str) {
        self.gap();
        self.hang(0, &[], &[Word::new(paint, text)]);
    }

    /// Adds running text, broken where it must be.
    pub(super) fn paragraph(&mut self, paint: Paint, text: &str) {
        self.hang(0, &[], &words(paint, text));
    }

    /// Adds `lead`, whose cells have each a width, and `words` beside it; where they break, they
    /// go on in the same column, or below `lead` if too little room is left.
    pub(super) fn hang(&mut self, indent: usize, lead: &[(Word, usize)], words: &[Word]) {
        let mut line = " ".repeat(indent);
        let mut column = indent;
        let mut overfull = false;
        for (word, width) in lead {
            let size = columns(&word.text);
            line.push_str(&self.style.paint(word.paint, &word.text));
            line.push_str(&" ".repeat(width.saturating_sub(size)));
            overfull = size >= *width;
            column += width;
        }
        let room = self.style.width.saturating_sub(column);
        let widest = words.iter().map(|word| columns(&word.text)).max().unwrap_or(0);
        let fits_below = indent + 4 + widest <= self.style.width;
        let narrow = room < NARROW || (room < widest && fits_below && !lead.is_empty());
        let below = overfull || narrow;
        if narrow {
            column = indent + 4;
        }
        let mut lines =
            self.style.lines(words, self.style.width.saturating_sub(column).max(NARROW));
        if !lines.is_empty() && (!below || lead.is_empty()) {
            line.push_str(&lines.remove(0));
        }
        if !line.trim().is_empty() {
            self.push(&line);
        }
        let margin = " ".repeat(column);
        lines.iter().for_each(|line| self.push(&format!("{margin}{line}")));
    }

    /// Adds a line as it is, however wide.
    pub(super) fn raw(&mut self, words: &[Word]) {
        let line: String = words.iter().map(|w| self.style.paint(w.paint, &w.text)).collect();
        self.push(&line);
    }

    /// Adds pairs as two aligned columns.
    pub(super) fn table<'t>(
        &mut self,
        paint: Paint,
        rows: impl IntoIterator<Item = (&'t str, String)>,
    ) {
        let rows: Vec<_> = rows.into_iter().collect();
        let widest = rows.iter().map(|(name, _)| columns(name)).max().unwrap_or(0);
        let width = widest.min(self.style.width / 2) + 2;
        for (name, text) in rows {
            self.hang(2, &[(Word::new(paint, name), width)], &words(Paint::Plain, &text));
        }
    }

    fn push(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }
}
