//! What is said below the steps of a plan.
use super::View;
use crate::render::page::Page;
use crate::render::style::{Paint, Word, words};

/// The column that remarks are set in.
const REMARK: usize = 9;

/// Adds what could not be seen, what is not well, what is kept, what is left alone,
/// what is good to know, and warnings.
pub(super) fn write(page: &mut Page, view: &View<'_>) {
    let plan = view.plan;
    if !plan.unknown.is_empty() {
        page.heading(Paint::Red, "Could not be observed");
        page.table(Paint::Red, plan.unknown.iter().map(|(a, why)| (a.as_str(), why.to_string())));
    }
    if !plan.degraded.is_empty() {
        page.heading(Paint::Yellow, "Degraded");
        page.table(Paint::Yellow, plan.degraded.iter().map(|(a, why)| (a.as_str(), why.clone())));
    }
    if !plan.kept.is_empty() {
        page.heading(Paint::Bold, "Kept for now");
        let until = |next| format!("until {next} is ready");
        page.table(Paint::Plain, plan.kept.iter().map(|(a, next)| (a.as_str(), until(next))));
    }
    if !plan.yields.is_empty() {
        page.heading(Paint::Bold, "Left alone");
        let told = |address, what| format!("{what}; to take its place: `--adopt {address}`");
        let rows = plan.yields.iter().map(|(a, what)| (a.as_str(), told(a, what)));
        page.table(Paint::Plain, rows);
    }
    page.gap();
    if !view.unmanaged.is_empty() {
        let what = format!("not managed by this version: {}", view.unmanaged.join(", "));
        page.hang(0, &[(Word::new(Paint::Dim, "note:"), REMARK)], &words(Paint::Dim, &what));
    }
    for note in view.notes {
        page.hang(0, &[(Word::new(Paint::Dim, "note:"), REMARK)], &words(Paint::Dim, note));
    }
    for warning in view.warnings {
        let lead = [(Word::new(Paint::Yellow, "warning:"), REMARK)];
        page.hang(0, &lead, &words(Paint::Plain, warning));
    }
}
