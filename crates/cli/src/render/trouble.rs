//! Errors as people read them.
use super::page::Page;
use super::style::{Paint, Style, Word, columns, phrases};
use provision_spec::{Problem, Problems};

/// An error with what led to it and what to do about it.
pub(crate) struct Trouble<'a> {
    pub(crate) error: &'a str,
    pub(crate) causes: &'a [String],
    pub(crate) groups: &'a [Group],
    pub(crate) hints: &'a [String],
    pub(crate) problems: Option<&'a Problems>,
}

/// Causes of one kind, each with what it is about.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) title: String,
    pub(crate) rows: Vec<(String, String)>,
}

impl Trouble<'_> {
    /// Returns it as text: where, what, why, and what to do.
    pub(crate) fn text(&self, style: &Style) -> String {
        let mut page = Page::new(style);
        for problem in self.problems.into_iter().flatten() {
            page.gap();
            write(&mut page, problem);
        }
        let hidden = self.problems.map_or(0, |all| all.count() - all.iter().len());
        if hidden > 0 {
            page.heading(Paint::Plain, &format!("and {hidden} more"));
        }
        page.gap();
        said(&mut page, Paint::Red, "error:", self.error);
        for cause in self.causes {
            said(&mut page, Paint::Yellow, "caused by:", cause);
        }
        for group in self.groups {
            page.gap();
            page.hang(2, &[], &phrases(Paint::Yellow, &group.title));
            let width = group.rows.iter().map(|(name, _)| columns(name)).max().unwrap_or(0) + 2;
            for (name, what) in &group.rows {
                page.hang(4, &[(Word::plain(name), width)], &phrases(Paint::Dim, what));
            }
        }
        if !self.hints.is_empty() {
            page.gap();
        }
        for hint in self.hints {
            said(&mut page, Paint::Cyan, "hint:", hint);
        }
        page.text()
    }
}

/// Adds something that is said, after a word that tells what it is.
pub(super) fn said(page: &mut Page, paint: Paint, lead: &str, text: &str) {
    let lead = (Word::new(paint, lead), columns(lead) + 1);
    page.hang(0, &[lead], &phrases(Paint::Plain, text));
}

fn write(page: &mut Page, problem: &Problem) {
    let place = format!("{}:{}:{}:", problem.file, problem.line, problem.column);
    let mut words = vec![Word::new(Paint::Bold, place)];
    words.extend(phrases(Paint::Plain, &problem.message));
    page.hang(0, &[], &words);
    if let Some(snippet) = &problem.snippet {
        let number = problem.line.to_string();
        let room = page.style.width.saturating_sub(number.len() + 5);
        let (text, offset, width) = window(&snippet.text, snippet.offset, snippet.width, room);
        page.raw(&[Word::new(Paint::Dim, format!(" {number} |")), Word::plain(format!(" {text}"))]);
        page.raw(&[
            Word::new(Paint::Dim, format!(" {:1$} |", "", number.len())),
            Word::new(Paint::Red, format!(" {:offset$}{}", "", "^".repeat(width))),
        ]);
    }
    if let Some(hint) = &problem.hint {
        said(page, Paint::Cyan, "hint:", hint);
    }
}

/// Returns as much of a line as there is room for, around the part in question.
fn window(text: &str, offset: usize, width: usize, room: usize) -> (String, usize, usize) {
    if columns(text) <= room {
        return (text.to_owned(), offset, width);
    }
    let begin = if offset + width <= room { 0 } else { offset.saturating_sub(room / 4) };
    let shown = text.chars().skip(begin).take(room).collect();
    (shown, offset - begin, width.min(room.saturating_sub(offset - begin)).max(1))
}
