//! What is wrong with a file, and where.

mod codes;

use std::fmt;

use serde::{Serialize, Serializer};

use crate::tree::Span;

/// One mistake in a file: an element of `problems` in `provision.error/v1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Names the kind of mistake for scripts, such as `file.unknown-field`; never renamed.
    pub code: &'static str,
    /// Names the file as the user named it.
    pub file: String,
    /// Counts lines from 1.
    pub line: usize,
    /// Counts characters, not bytes, from 1.
    pub column: usize,
    /// Says what is wrong: a lowercase fragment, subject first.
    pub message: String,
    /// Says what to write instead.
    pub hint: Option<String>,
    /// Holds the line of the file, with anything that may be a secret left out.
    #[serde(skip)]
    pub snippet: Option<Snippet>,
}

/// The line of a file that a problem is about, and which part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snippet {
    /// Holds the line, tabs as single spaces.
    pub text: String,
    /// Counts the characters before the part in question.
    pub offset: usize,
    /// Counts the characters in question, at least 1.
    pub width: usize,
}

impl Problem {
    /// Makes a problem that concerns a place without text worth showing.
    pub(crate) fn bare(code: &'static str, file: &str, span: Span, message: String) -> Self {
        let Span { line, column, .. } = span;
        Self { code, file: file.to_owned(), line, column, message, hint: None, snippet: None }
    }
}

impl fmt::Display for Problem {
    /// Writes the place and message, the line with a caret below it, and the hint; no line end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)?;
        if let Some(Snippet { text, offset, width }) = &self.snippet {
            let number = self.line.to_string();
            let gutter = number.len();
            write!(f, "\n {number} | {text}")?;
            write!(f, "\n {:gutter$} | {:offset$}{}", "", "", "^".repeat(*width))?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\nhint: {hint}")?;
        }
        Ok(())
    }
}

/// Every mistake found in a file, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems {
    list: Vec<Problem>,
    more: usize,
}

impl Problems {
    /// Bounds how many problems are kept, so that a hostile file cannot flood a terminal.
    pub const KEPT: usize = 100;

    /// Adds one; beyond [`Problems::KEPT`] it is only counted.
    pub fn push(&mut self, problem: Problem) {
        if self.list.len() < Self::KEPT {
            self.list.push(problem);
        } else {
            self.more += 1;
        }
    }

    /// Says whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Counts all problems, also those not kept.
    #[must_use]
    pub fn count(&self) -> usize {
        self.list.len() + self.more
    }

    /// Gives those kept.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.list.iter()
    }

    /// Sorts by place, and drops the second of two equal ones.
    pub(crate) fn sort(&mut self) {
        self.list.sort_by(|a, b| {
            (a.line, a.column, a.code, &a.message).cmp(&(b.line, b.column, b.code, &b.message))
        });
        self.list.dedup();
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self { list: vec![problem], more: 0 }
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = std::vec::IntoIter<Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}

impl fmt::Display for Problems {
    /// Writes each problem, a blank line between two, without a last line end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, problem) in self.list.iter().enumerate() {
            let between = if position == 0 { "" } else { "\n\n" };
            write!(f, "{between}{problem}")?;
        }
        if self.more > 0 {
            write!(f, "\n\nand {} more", self.more)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

impl Serialize for Problems {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(line: usize, message: &str) -> Problem {
        let span = Span { line, column: 3, width: 1 };
        Problem::bare("file.syntax", "a.yaml", span, message.to_owned())
    }

    #[test]
    fn renders_the_line_with_a_caret() {
        let mut one = problem(12, "min must be a whole number");
        one.hint = Some("write `min: 1`".to_owned());
        one.snippet = Some(Snippet { text: "  min: x".to_owned(), offset: 7, width: 1 });
        insta::assert_snapshot!(one, @r"
        a.yaml:12:3: min must be a whole number
         12 |   min: x
            |        ^
        hint: write `min: 1`
        ");
    }

    #[test]
    fn serializes_what_the_error_document_shows() {
        let json = serde_json::to_string(&Problems::from(problem(2, "x is wrong"))).unwrap();
        insta::assert_snapshot!(json, @r#"[{"code":"file.syntax","file":"a.yaml","line":2,"column":3,"message":"x is wrong","hint":null}]"#);
    }

    #[test]
    fn sorts_and_keeps_a_bounded_number() {
        let mut problems = Problems::default();
        for line in (1..=Problems::KEPT + 5).rev() {
            problems.push(problem(line, "x"));
        }
        problems.sort();
        assert_eq!(problems.count(), Problems::KEPT + 5);
        assert!(problems.iter().is_sorted_by_key(|problem| problem.line));
        assert!(problems.to_string().ends_with("and 5 more"));
    }
}
