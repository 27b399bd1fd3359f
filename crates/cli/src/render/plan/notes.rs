//! What is said below the steps of a plan.
use super::View;
use crate::render::page::Page;
use crate::render::style::{Paint, Word, words};

/// Adds what could not be seen, what is not well, what is kept, what is left alone, and warnings.
pub(super) fn write(page: &mut Page, view: &View<'_>) {
    let plan = view.plan;
    if !plan.unknown.is_empty() {
        page.heading(Paint::Red, "Could not be observed");
        page.table(Paint::Red, plan.unknown.iter().map(|(a, why)| (a.as_str(), why.clone())));
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
    if !view.unmanaged.is_empty() {
        page.gap();
        let what = format!("not managed by this version: {}", view.unmanaged.join(", "));
        page.paragraph(Paint::Dim, &what);
    }
    if !view.warnings.is_empty() {
        page.gap();
    }
    for warning in view.warnings {
        page.hang(0, &[(Word::new(Paint::Yellow, "warning:"), 9)], &words(Paint::Plain, warning));
    }
}
