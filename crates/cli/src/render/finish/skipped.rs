//! What was not tried, by what it comes from.
use super::Finish;
use crate::render::page::Page;
use crate::render::style::{Paint, words};
use provision_core::Address;
use provision_engine::Skip;
use std::collections::BTreeMap;

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
    let why: BTreeMap<&Address, &Skip> = skipped.iter().map(|(a, why)| (a, why)).collect();
    let mut groups: Vec<(&Skip, Vec<&str>)> = Vec::new();
    for (address, reason) in skipped {
        let root = root(&why, reason);
        match groups.iter_mut().find(|(reason, _)| *reason == root) {
            // One of several stages may be told already.
            Some((_, addresses)) if addresses.contains(&address.as_str()) => {}
            Some((_, addresses)) => addresses.push(address.as_str()),
            None => groups.push((root, vec![address.as_str()])),
        }
    }
    page.heading(Paint::Bold, "Not done");
    for (why, addresses) in groups {
        page.hang(2, &[], &words(Paint::Plain, &format!("{}:", said(why))));
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
        Skip::Needs(address) => format!("waiting for {address}"),
        Skip::Stage(address) => format!("waiting for {address} of the stage before"),
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
