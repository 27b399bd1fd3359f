//! The steps of a plan, by part of the cluster.
use super::View;
use crate::render::page::Page;
use crate::render::style::{Paint, Word, columns, words};
use crate::render::{changes, details, parts};
use provision_core::{Action, Address, Cause, Plan, Step};
use std::collections::{BTreeMap, BTreeSet};

/// Where the changes of an update begin.
const INDENT: usize = 6;
/// The least room for details that makes a column of kinds worth its own.
const DETAILS: usize = 40;

/// How the columns of a plan are laid out.
struct Layout<'p> {
    address: usize,
    /// No column for kinds where lines are short.
    kind: Option<usize>,
    others: Others<'p>,
}

/// What steps have to do with one another.
#[derive(Default)]
struct Others<'p> {
    /// What is made in each slot, by stage.
    made: BTreeMap<(usize, &'p str), &'p Address>,
    /// What goes from each slot, by stage.
    gone: BTreeMap<(usize, &'p str), Vec<&'p Address>>,
    /// What goes with what it is in.
    along: &'p [Address],
    created: BTreeSet<(usize, &'p Address)>,
    deleted: BTreeSet<(usize, &'p Address)>,
}

/// Adds every step, below what each stage is about, where that is known.
pub(super) fn write(page: &mut Page, view: &View<'_>) {
    let (plan, titles) = (view.plan, view.stages);
    let mut layout = Layout::of(page, plan);
    layout.others.along = view.along;
    let stages = stages(plan);
    for (number, stage) in (1..).zip(&stages) {
        let steps = plan.steps.iter().filter(|step| step.stage == *stage);
        let title = titles.get(*stage).filter(|title| !title.is_empty());
        let number = (stages.len() > 1).then(|| format!("Stage {number} of {}", stages.len()));
        let heading: Vec<_> = number.as_deref().into_iter().chain(title.copied()).collect();
        if !heading.is_empty() {
            page.heading(Paint::Bold, &heading.join(": "));
        }
        for (title, steps) in parts::grouped(steps) {
            page.heading(Paint::Bold, title);
            steps.into_iter().for_each(|step| layout.step(page, step));
        }
    }
}

/// Returns the stages that have steps.
pub(super) fn stages(plan: &Plan) -> BTreeSet<usize> {
    plan.steps.iter().map(|step| step.stage).collect()
}

impl<'p> Layout<'p> {
    fn of(page: &Page, plan: &'p Plan) -> Self {
        let widest = |text: fn(&Step) -> &str| {
            plan.steps.iter().map(|step| columns(text(step))).max().unwrap_or(0) + 2
        };
        let address = widest(|step| step.address.as_str()).min(page.style.width / 2);
        let kind = widest(|step| &step.kind);
        let fits = 4 + address + kind + DETAILS <= page.style.width;
        Self { address, kind: fits.then_some(kind), others: Others::of(plan) }
    }

    fn step(&self, page: &mut Page, step: &Step) {
        let (sign, paint) = match step.action {
            Action::Create => ("+", Paint::Green),
            Action::Update => ("~", Paint::Yellow),
            Action::Adopt => (">", Paint::Cyan),
            Action::Delete => ("-", Paint::Red),
        };
        let mut lead = vec![
            (Word::new(paint, sign), 2),
            (Word::new(paint, step.address.as_str()), self.address),
        ];
        if let Some(width) = self.kind {
            lead.push((Word::new(Paint::Dim, &step.kind), width));
        }
        // A change is told by its address: that stays what it is.
        let tells_id = matches!(step.action, Action::Adopt | Action::Delete);
        let id = step.object.as_deref().filter(|_| tells_id).unwrap_or_default();
        let (id, why) = (words(Paint::Dim, id), self.others.remarks(step).join("; "));
        let why = words(Paint::Yellow, &why);
        let dot = (!id.is_empty() && !why.is_empty()).then(|| Word::new(Paint::Dim, "·"));
        let mut remarks: Vec<_> = id.into_iter().chain(dot).chain(why).collect();
        let room = page.style.width.saturating_sub(2 + lead.iter().map(|(_, w)| w).sum::<usize>());
        let changes = match step.action {
            Action::Update | Action::Adopt => changes::short(&step.changes, room),
            Action::Create | Action::Delete => None,
        };
        let told = match step.action {
            Action::Create => details::of(step),
            Action::Update | Action::Adopt => {
                let why = if remarks.is_empty() || changes.is_none() {
                    Vec::new()
                } else {
                    remarks.push(Word::new(Paint::Dim, "·"));
                    std::mem::take(&mut remarks)
                };
                why.into_iter().chain(changes.clone().unwrap_or_default()).collect()
            }
            Action::Delete => std::mem::take(&mut remarks),
        };
        let below = !told.is_empty() || changes.is_some();
        page.hang(2, &lead, if below { &told } else { &remarks });
        if below && !remarks.is_empty() {
            let blank: Vec<_> = lead.iter().map(|(_, width)| (Word::plain(""), *width)).collect();
            page.hang(2, &blank, &remarks);
        }
        if matches!(step.action, Action::Update | Action::Adopt) && changes.is_none() {
            changes::write(page, INDENT, &step.changes);
        }
    }
}

impl<'p> Others<'p> {
    fn of(plan: &'p Plan) -> Self {
        let mut others = Self::default();
        for step in &plan.steps {
            let slot = step.slot.as_deref().map(|slot| (step.stage, slot));
            match (step.action, slot) {
                (Action::Delete, Some(slot)) => {
                    others.gone.entry(slot).or_default().push(&step.address);
                }
                (_, Some(slot)) => drop(others.made.insert(slot, &step.address)),
                (_, None) => {}
            }
            match step.action {
                Action::Create => drop(others.created.insert((step.stage, &step.address))),
                Action::Delete => drop(others.deleted.insert((step.stage, &step.address))),
                Action::Update | Action::Adopt => {}
            }
        }
        others
    }

    /// Says why a step is there, and what it has to do with others.
    fn remarks(&self, step: &Step) -> Vec<String> {
        let mut remarks: Vec<String> = why(step).map(str::to_owned).into_iter().collect();
        let slot = step.slot.as_deref().map(|slot| (step.stage, slot));
        let same = (step.stage, &step.address);
        match step.action {
            Action::Create if self.deleted.contains(&same) => {
                remarks.push("made again once the old one is gone".to_owned());
            }
            Action::Create if self.along.contains(&step.address) => {
                remarks = vec!["goes with what it is in, and is made again".to_owned()];
            }
            Action::Create => {
                let gone = slot.and_then(|slot| self.gone.get(&slot)).into_iter().flatten();
                let gone: Vec<_> = gone.map(ToString::to_string).collect();
                match gone.len() {
                    0 => {}
                    1 => {
                        remarks.push(format!("replaces {}, which goes once this is ready", gone[0]))
                    }
                    _ => remarks.push(format!(
                        "replaces {}, which go once this is ready",
                        gone.join(" and ")
                    )),
                }
            }
            Action::Delete if self.created.contains(&same) => {
                remarks.push("to be made again".to_owned());
            }
            Action::Delete => {
                let next = slot.and_then(|slot| self.made.get(&slot));
                remarks.extend(next.map(|next| format!("goes once {next} is ready")));
            }
            Action::Update | Action::Adopt => {}
        }
        remarks
    }
}

/// Says why a step is there, unless the file says so.
fn why(step: &Step) -> Option<&'static str> {
    match (step.cause, step.action) {
        (Cause::File, Action::Adopt) => Some("taken over"),
        (Cause::File, _) => None,
        (Cause::Drift, Action::Create) => Some("drifted: it is gone"),
        (Cause::Drift, _) => Some("drifted"),
        (Cause::Leftover, _) => Some("left over from an earlier run"),
    }
}
