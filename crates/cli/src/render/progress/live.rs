//! Moving lines on a terminal.
use super::running::{Running, Step};
use super::words;
use crate::render::duration::span;
use crate::render::page::Page;
use crate::render::style::{Paint, Style, Word, columns, fit, words as split};
use provision_core::{Event, EventKind};
use std::time::Duration;

/// The pictures of a step that is under way, one after another.
const SPINNER: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
/// How long each of them stays.
pub(crate) const FRAME: Duration = Duration::from_millis(120);
/// How many columns times take.
const TIME: usize = 6;
/// What is left for the words of a step at the least.
const ROOM: usize = 12;
/// The size of a terminal that does not tell its own.
const UNTOLD: Size = (80, 24);

/// How many columns and lines a terminal has.
pub(super) type Size = (usize, usize);

/// A line for each running step, and one that sums up. Lines of ended steps stay above them.
pub(super) struct Live {
    style: Style,
    size: fn() -> Size,
    /// How many columns each line on the screen takes.
    drawn: Vec<usize>,
}

/// Returns the picture of what has been under way for so long.
pub(crate) fn picture(waited: Duration) -> &'static str {
    let turn = waited.as_millis() / FRAME.as_millis();
    SPINNER[turn as usize % SPINNER.len()]
}

/// Asks the terminal how large it is now: windows change.
pub(crate) fn size() -> Size {
    let told = terminal_size::terminal_size();
    told.map_or(UNTOLD, |(width, height)| (usize::from(width.0).max(1), usize::from(height.0)))
}

impl Live {
    pub(super) fn new(style: Style, size: fn() -> Size) -> Self {
        Self { style, size, drawn: Vec::new() }
    }

    /// Returns what puts `above`, and the running steps below it, in the place of what was drawn
    /// before. Written at once it does not flicker; it leaves the cursor below the last line, so
    /// that whatever else is written begins a line of its own.
    /// `waited` moves the pictures.
    pub(super) fn draw(
        &mut self,
        above: &[String],
        running: &Running,
        now: Duration,
        waited: Duration,
    ) -> String {
        let frame = self.frame(running, now, picture(waited));
        let lines = above.iter().chain(frame.iter().map(|(_, line)| line));
        let text = self.instead(&lines.map(String::as_str).collect::<Vec<_>>());
        self.drawn = frame.into_iter().map(|(width, _)| width).collect();
        text
    }

    /// Returns what takes the moving lines away.
    pub(super) fn clear(&mut self) -> String {
        let text = self.instead(&[]);
        self.drawn.clear();
        text
    }

    /// Returns `style` with the width that the terminal has now.
    pub(super) fn fitted(&self, style: &Style) -> Style {
        Style { width: (self.size)().0, ..*style }
    }

    /// Returns what writes lines over those that were drawn before, and erases the rest of these.
    /// Where a terminal became narrower, one line takes several of its rows. Each row is erased by
    /// itself: some terminals keep what was on the screen when all of it is erased at once.
    fn instead(&self, lines: &[&str]) -> String {
        let width = (self.size)().0;
        let rows: usize = self.drawn.iter().map(|line| line.div_ceil(width).max(1)).sum();
        let mut text = if rows > 0 { format!("\r\u{1b}[{rows}A") } else { String::new() };
        for line in lines {
            text.push_str(&format!("\u{1b}[2K{line}\u{1b}[K\n"));
        }
        let rest = rows.saturating_sub(lines.len());
        if rest > 0 {
            text.push_str(&"\u{1b}[2K\n".repeat(rest));
            text.push_str(&format!("\u{1b}[{rest}A"));
        }
        text
    }

    /// Returns the lines that stay of a step that ended. A skipped step leaves none: there may be
    /// many for one reason, and the end of the run says which.
    pub(super) fn ended(&self, event: &Event, took: Duration, address: usize) -> Vec<String> {
        let (sign, paint) = match &event.what {
            EventKind::Skipped(_) => return Vec::new(),
            EventKind::Failed(_) => ("✗", Paint::Red),
            EventKind::Degraded(_) => ("!", Paint::Yellow),
            what if words::is_end(what) => ("✓", Paint::Green),
            _ => return Vec::new(),
        };
        let (style, address) = (self.style(), self.address(address));
        let place = format!("{:<address$}", fit(event.address.as_str(), address));
        let (took, said) = (format!("{:>TIME$}  ", span(took)), words::brief(event));
        let look = if paint == Paint::Green { Paint::Plain } else { paint };
        if 4 + address + columns(&took) + columns(&said) <= style.width {
            let cells = [
                (paint, format!("  {sign} ")),
                (Paint::Plain, place),
                (Paint::Dim, took),
                (look, said),
            ];
            return vec![self.line(&cells).1];
        }
        let lead = [
            (Word::new(paint, sign), 2),
            (Word::plain(place.trim_end()), address),
            (Word::new(Paint::Dim, took.trim_end()), columns(&took)),
        ];
        let mut page = Page::new(&style);
        page.hang(2, &lead, &split(look, &said));
        page.text().lines().map(str::to_owned).collect()
    }

    /// Breaks text into lines that fit.
    pub(super) fn broken(&self, text: &str) -> Vec<String> {
        let style = self.style();
        style.lines(&split(Paint::Yellow, text), style.width)
    }

    /// Returns each moving line with its width. What does not fit on the screen is counted.
    fn frame(&self, running: &Running, now: Duration, picture: &str) -> Vec<(usize, String)> {
        let steps = &running.steps;
        if steps.is_empty() {
            return Vec::new();
        }
        let room = (self.size)().1.saturating_sub(2).max(1);
        let shown = if steps.len() <= room { steps.len() } else { room - 1 };
        let address = self.address(running.width());
        let mut lines: Vec<_> =
            steps.iter().take(shown).map(|step| self.row(step, address, now, picture)).collect();
        if steps.len() > shown {
            lines.push(self.line(&[(Paint::Dim, format!("  … and {} more", steps.len() - shown))]));
        }
        let tally = format!("  {}, {} running, {}", running.tally(), steps.len(), span(now));
        lines.push(self.line(&[(Paint::Bold, tally)]));
        lines
    }

    fn row(&self, step: &Step, width: usize, now: Duration, picture: &str) -> (usize, String) {
        let took = now.saturating_sub(step.since);
        let address = fit(step.address.as_str(), width);
        self.line(&[
            (Paint::Cyan, format!("  {picture}")),
            (Paint::Plain, format!(" {address:<width$}")),
            (Paint::Dim, format!("{:>TIME$}  ", span(took))),
            (Paint::Plain, step.said.clone()),
        ])
    }

    /// Sets cells beside one another, and cuts what is too wide for the screen.
    fn line(&self, cells: &[(Paint, String)]) -> (usize, String) {
        let style = self.style();
        let (mut used, mut line) = (0, String::new());
        for (paint, text) in cells {
            let word = Word::new(*paint, text);
            let text = fit(&word.text, style.width - used);
            used += columns(&text);
            line.push_str(&style.paint(*paint, &text));
        }
        (used, line)
    }

    /// Returns the column that addresses are shown in.
    fn address(&self, longest: usize) -> usize {
        let room = self.style().width.saturating_sub(4 + TIME + 2 + ROOM);
        (longest + 1).min(room)
    }

    /// Returns a style that leaves the last column free: terminals differ in what follows there.
    fn style(&self) -> Style {
        Style { width: (self.size)().0.saturating_sub(1).max(ROOM), ..self.style }
    }
}
