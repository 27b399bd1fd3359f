//! What was not tried, by what it comes from.
use super::Finish;
use crate::render::page::Page;
use crate::render::style::{Paint, words};
use provision_core::Address;
use provision_engine::Skip;
use std::collections::{BTreeMap, BTreeSet};

/// The longest list that is shown in full.
const LONGEST: usize = 12;
/// How much of a longer one is shown.
const SHOWN: usize = 8;

/// Adds every step that was not tried, below the reason that all its reasons lead to.
pub(super) fn write(page: &mut Page, finish: &Finish<'_>) {
    let skipped = &finish.outcome.skipped;
    if skipped.is_empty() {
        return;
    }
    // What is in several stages is told by the first of them, and what failed by its error.
    let mut told: BTreeSet<&Address> = finish.outcome.failed.iter().map(|(a, _)| a).collect();
    let why: BTreeMap<&Address, &Skip> = skipped.iter().rev().map(|(a, why)| (a, why)).collect();
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for (address, reason) in skipped {
        if !told.insert(address) {
            continue;
        }
        let said = said(root(&why, reason));
        match groups.iter_mut().find(|(reason, _)| *reason == said) {
            Some((_, addresses)) => addresses.push(address.as_str()),
            None => groups.push((said, vec![address.as_str()])),
        }
    }
    page.heading(Paint::Bold, "Not done");
    for (why, addresses) in groups {
        page.hang(2, &[], &words(Paint::Plain, &format!("{why}:")));
        page.hang(4, &[], &words(Paint::Dim, &list(&addresses)));
    }
}

/// Follows reasons to the first: what waits for something that waits itself is no news.
fn root<'s>(why: &BTreeMap<&Address, &'s Skip>, mut reason: &'s Skip) -> &'s Skip {
    for _ in 0..why.len() {
        match reason {
            Skip::Needs(address) => match why.get(address) {
                Some(further) => reason = further,
                None => return reason,
            },
            _ => return reason,
        }
    }
    reason
}

fn said(why: &Skip) -> String {
    match why {
        Skip::Needs(address) | Skip::Stage(address) => format!("waiting for {address}"),
        Skip::Interrupted => "when the run was interrupted".to_owned(),
        Skip::Ended => "when the run ended".to_owned(),
        Skip::Kept(_) | Skip::Stuck => why.to_string(),
    }
}

fn list(addresses: &[&str]) -> String {
    match addresses.len() {
        0..=LONGEST => addresses.join(", "),
        all => format!("{}, and {} more", addresses[..SHOWN].join(", "), all - SHOWN),
    }
}
