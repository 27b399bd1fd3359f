//! What a person loses when everything is removed, and what stays.
use crate::render::page::Page;
use crate::render::style::{Paint, Word, columns, words};
use provision_spec::Loss;

/// Adds what will be lost, and what will be kept.
pub(super) fn write(page: &mut Page, losses: &[Loss]) {
    let kept = |is_kept: bool| losses.iter().filter(move |loss| loss.kept == is_kept);
    block(page, Paint::Red, "Will be lost", &kept(false).collect::<Vec<_>>());
    block(page, Paint::Bold, "Will stay", &kept(true).collect::<Vec<_>>());
}

/// Adds what was kept, once everything else is gone. What was to become of it has.
pub(in crate::render) fn stays(page: &mut Page, losses: &[Loss]) {
    let told: Vec<_> =
        losses.iter().map(|loss| Loss { becomes: String::new(), ..loss.clone() }).collect();
    block(
        page,
        Paint::Bold,
        "Kept, without the marks of the cluster",
        &told.iter().collect::<Vec<_>>(),
    );
}

fn block(page: &mut Page, paint: Paint, title: &str, losses: &[&Loss]) {
    if losses.is_empty() {
        return;
    }
    page.heading(paint, title);
    let widest =
        |text: fn(&Loss) -> &str| losses.iter().map(|loss| columns(text(loss))).max().unwrap_or(0);
    let what = widest(|loss| loss.what) + 2;
    let name = (widest(|loss| &loss.name) + 2).min(page.style.width / 2);
    for loss in losses {
        let lead = [(Word::plain(loss.what), what), (Word::new(paint, &loss.name), name)];
        let mut told = words(Paint::Plain, &loss.told);
        if !told.is_empty() && !loss.becomes.is_empty() {
            told.push(Word::new(Paint::Dim, "·"));
        }
        told.extend(words(Paint::Dim, &loss.becomes));
        page.hang(2, &lead, &told);
    }
}
