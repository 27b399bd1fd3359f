//! The text of a file, and the problems found in it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::problem::{Problem, Problems, Snippet};
use crate::redact;
use crate::tree::Span;

/// The text of a file that is worth parsing: small enough, UTF-8, without control characters.
pub struct Source {
    file: String,
    text: String,
    starts: Vec<usize>,
    hidden: BTreeMap<usize, usize>,
}

impl Source {
    /// Bounds the size of a file in bytes.
    pub const MAX_BYTES: usize = 1024 * 1024;
    /// Bounds the number of values in a file.
    pub const MAX_VALUES: usize = 100_000;
    /// Lines longer than this many bytes are not quoted in problems.
    const QUOTED_BYTES: usize = 1000;

    /// Takes the bytes of a file.
    ///
    /// # Errors
    ///
    /// When the bytes are too many or not UTF-8, or every line with control characters or tabs as
    /// indentation.
    pub fn new(file: &str, bytes: &[u8]) -> Result<Arc<Self>, Problems> {
        if bytes.len() > Self::MAX_BYTES {
            let message = format!("file has {} bytes, more than 1 MiB", bytes.len());
            return Err(too_large(file, message));
        }
        let text =
            str::from_utf8(bytes).map_err(|error| Problems::from(not_utf8(file, bytes, &error)))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).to_owned();
        let starts = line_starts(&text);
        let mut source = Self { file: file.to_owned(), text, starts, hidden: BTreeMap::new() };
        source.hidden = redact::hidden(source.lines());
        source.refuse_crowds()?;
        let mut problems = Problems::default();
        source.control_characters().chain(source.tabs()).for_each(|it| problems.push(it));
        problems.sort();
        if problems.is_empty() { Ok(Arc::new(source)) } else { Err(problems) }
    }

    /// Names the file as the user named it.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Gives the text, without a byte order mark.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    fn lines(&self) -> impl Iterator<Item = &str> {
        (1..=self.starts.len()).map(|number| self.line(number))
    }

    fn line(&self, number: usize) -> &str {
        let Some(start) = number.checked_sub(1).and_then(|index| self.starts.get(index)) else {
            return "";
        };
        let end = self.starts.get(number).copied().unwrap_or(self.text.len());
        self.text[*start..end].trim_end_matches(['\n', '\r'])
    }

    /// Makes a problem of this file, quoting its line without what may be a secret.
    #[must_use]
    pub fn problem(
        &self,
        code: &'static str,
        span: Span,
        message: String,
        hint: Option<String>,
    ) -> Problem {
        let span = self.within(span);
        let mut problem = Problem::bare(code, &self.file, span, message);
        problem.hint = hint;
        problem.snippet = self.snippet(span);
        problem
    }

    /// Moves what lies beyond the file, as its end does for a parser, to the end of its line.
    fn within(&self, span: Span) -> Span {
        let line = span.line.min(self.starts.len());
        let end = self.line(line).chars().count() + 1;
        match line < span.line || span.column > end {
            true => Span { line, column: end, width: 1 },
            false => span,
        }
    }

    fn snippet(&self, span: Span) -> Option<Snippet> {
        let line = self.line(span.line);
        if line.trim().is_empty() || line.len() > Self::QUOTED_BYTES {
            return None;
        }
        let safe = |c: char| if c.is_control() { ' ' } else { c };
        let (offset, width) = (span.column.saturating_sub(1), span.width.max(1));
        let Some(&shown) = self.hidden.get(&span.line) else {
            let length = line.chars().count();
            let width = width.min(length.saturating_sub(offset)).max(1);
            return Some(Snippet { text: line.chars().map(safe).collect(), offset, width });
        };
        let text = line.chars().take(shown).map(safe).chain(" …".chars()).collect();
        if offset < shown {
            return Some(Snippet { text, offset, width: width.min(shown - offset) });
        }
        Some(Snippet { text, offset: shown + 1, width: 1 })
    }

    /// Says whether the text at a place may be a secret, and must not be in a message either.
    pub(crate) fn hides(&self, span: Span) -> bool {
        self.hidden.get(&span.line).is_some_and(|shown| span.column > *shown)
    }

    /// Refuses what would make the parser queue a whole long line of tokens.
    fn refuse_crowds(&self) -> Result<(), Problems> {
        let marks = self.text.bytes().filter(|byte| b",:[]{}".contains(byte)).count();
        if marks <= Self::MAX_VALUES {
            return Ok(());
        }
        let message = format!("file holds more than {} values", Self::MAX_VALUES);
        Err(too_large(&self.file, message))
    }

    fn control_characters(&self) -> impl Iterator<Item = Problem> {
        (1..).zip(self.lines()).filter_map(|(line, text)| {
            let control = |(_, c): &(usize, char)| c.is_control() && *c != '\t';
            let (at, c) = text.chars().enumerate().find(control)?;
            let message = format!("file contains the control character U+{:04X}", u32::from(c));
            let span = Span { line, column: at + 1, width: 1 };
            let hint = Some("remove it; this may not be a text file".to_owned());
            Some(self.problem("file.control-character", span, message, hint))
        })
    }

    fn tabs(&self) -> impl Iterator<Item = Problem> {
        (1..).zip(self.lines()).filter_map(|(line, text)| {
            let content = text.trim_start();
            let indentation = &text[..text.len() - content.len()];
            let spaces = indentation.find('\t').filter(|_| !content.is_empty())?;
            let column = indentation[..spaces].chars().count() + 1;
            let hint = Some("indent with spaces only, two per level".to_owned());
            let message = "indentation contains a tab".to_owned();
            Some(self.problem("file.tab", Span { line, column, width: 1 }, message, hint))
        })
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("file", &self.file).finish_non_exhaustive()
    }
}

fn too_large(file: &str, message: String) -> Problems {
    let mut problem = Problem::bare("file.too-large", file, Span::START, message);
    problem.hint = Some("a cluster file has at most a few hundred lines".to_owned());
    problem.into()
}

fn not_utf8(file: &str, bytes: &[u8], error: &std::str::Utf8Error) -> Problem {
    let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
    let before = before.strip_prefix('\u{feff}').unwrap_or(&before);
    let starts = line_starts(before);
    let column = before[starts[starts.len() - 1]..].chars().count() + 1;
    let span = Span { line: starts.len(), column, width: 1 };
    let mut problem =
        Problem::bare("file.encoding", file, span, "file is not UTF-8 text".to_owned());
    problem.hint = Some("save it as UTF-8".to_owned());
    problem
}

/// Finds where lines begin, by YAML's line ends: `\n`, `\r\n` and a lone `\r`.
fn line_starts(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let ends = bytes.iter().enumerate().filter(|(at, byte)| match byte {
        b'\n' => true,
        b'\r' => bytes.get(at + 1) != Some(&b'\n'),
        _ => false,
    });
    std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect()
}

/// Collects the problems of one file while it is read.
#[derive(Debug)]
pub struct Report {
    source: Arc<Source>,
    problems: RefCell<Problems>,
}

impl Report {
    /// Starts without problems.
    #[must_use]
    pub fn new(source: Arc<Source>) -> Self {
        Self { source, problems: RefCell::default() }
    }

    /// Starts another report on the same file, without problems.
    pub(crate) fn anew(&self) -> Self {
        Self::new(Arc::clone(&self.source))
    }

    /// Gives the file that is read.
    #[must_use]
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// Adds a problem at a place.
    pub fn refuse(
        &self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        let problem = self.source.problem(code, span, message.into(), hint);
        self.problems.borrow_mut().push(problem);
    }

    /// Counts the problems so far, to tell whether a part was read without any.
    #[must_use]
    pub fn count(&self) -> usize {
        self.problems.borrow().count()
    }

    /// Gives what was read, or the problems when there are any.
    ///
    /// # Errors
    ///
    /// All problems, in the order of the file.
    pub fn finish<T>(self, read: T) -> Result<T, Problems> {
        let problems = self.into_problems();
        if problems.is_empty() { Ok(read) } else { Err(problems) }
    }

    /// Gives the problems, in the order of the file.
    #[must_use]
    pub fn into_problems(self) -> Problems {
        let mut problems = self.problems.into_inner();
        problems.sort();
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(bytes: &[u8]) -> String {
        let problem = Source::new("a.yaml", bytes).unwrap_err().into_iter().next().unwrap();
        format!("{} {}:{} {}", problem.code, problem.line, problem.column, problem.message)
    }

    #[test]
    fn refuses_what_is_not_a_small_text_file() {
        for (bytes, wanted) in [
            (&b"a: b\nc: \xff"[..], "file.encoding 2:4 file is not UTF-8 text"),
            (b"\xef\xbb\xbfa\rb\xff", "file.encoding 2:2 file is not UTF-8 text"),
            (b"a: \0", "file.control-character 1:4 file contains the control character U+0000"),
            (b"a:\n \tb: c", "file.tab 2:2 indentation contains a tab"),
            (
                &[b'a'; Source::MAX_BYTES + 1],
                "file.too-large 1:1 file has 1048577 bytes, more than 1 MiB",
            ),
        ] {
            assert_eq!(refused(bytes), wanted);
        }
    }

    #[test]
    fn counts_every_kind_of_line_end() {
        let source = Source::new("a.yaml", "\u{feff}a\r\nb\rc\nd".as_bytes()).unwrap();
        assert_eq!(source.lines().collect::<Vec<_>>(), ["a", "b", "c", "d"]);
        assert_eq!(source.line(0), "");
        assert_eq!(source.line(9), "");
    }

    #[test]
    fn no_place_lies_beyond_the_file() {
        let source = Source::new("a.yaml", b"a: b\n-c").unwrap();
        let place = |line, column| {
            let span = Span { line, column, width: 3 };
            let problem = source.problem("file.syntax", span, String::new(), None);
            (problem.line, problem.column)
        };
        assert_eq!([place(1, 4), place(2, 9), place(3, 1)], [(1, 4), (2, 3), (2, 3)]);
    }

    #[test]
    fn quotes_no_secret_and_no_endless_line() {
        let text = format!("registryToken: hunter2\nx: {}", "y".repeat(2000));
        let source = Source::new("a.yaml", text.as_bytes()).unwrap();
        let snippet = source.snippet(Span { line: 1, column: 16, width: 7 }).unwrap();
        assert_eq!(snippet, Snippet { text: "registryToken: …".to_owned(), offset: 15, width: 1 });
        assert_eq!(source.snippet(Span { line: 2, column: 4, width: 7 }), None);
    }
}
