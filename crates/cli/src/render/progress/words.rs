//! Events in words.
use crate::render::duration::span;
use crate::render::finish::without_request;
use provision_core::{Action, Error, Event, EventKind};
use std::time::Duration;

/// Says what happened to a step that began `since` ago; `None` for what needs no saying.
pub(super) fn of(event: &Event, since: Duration) -> Option<String> {
    let took = match since.as_secs() {
        0 => String::new(),
        _ => format!(" in {}", span(since)),
    };
    Some(match &event.what {
        EventKind::Called(_) => return None,
        EventKind::Started => format!("{}…", doing(event.action)),
        EventKind::Waiting(status) => status.clone(),
        EventKind::Retrying(error) => format!("trying again: {}", without_request(error)),
        EventKind::Settled(_) => format!("{}{took}", done(event.action)),
        EventKind::Adopted(_) => format!("adopted{took}"),
        EventKind::Degraded(why) => format!("{}{took}, degraded: {why}", done(event.action)),
        EventKind::Removed => format!("deleted{took}"),
        EventKind::Skipped(why) => format!("skipped: {why}"),
        EventKind::Failed(error) => format!("failed{}: {error}", took.replace(" in ", " after ")),
    })
}

/// Says the same in the few words that fit on a moving line.
pub(super) fn brief(event: &Event) -> String {
    match &event.what {
        EventKind::Called(_) => String::new(),
        EventKind::Started => doing(event.action).to_owned(),
        EventKind::Waiting(status) => status.clone(),
        EventKind::Retrying(error) => format!("trying again: {}", name(error)),
        EventKind::Settled(_) | EventKind::Removed => done(event.action).to_owned(),
        EventKind::Adopted(_) => "adopted".to_owned(),
        EventKind::Degraded(why) => format!("{}, degraded: {why}", done(event.action)),
        EventKind::Skipped(why) => format!("skipped: {why}"),
        EventKind::Failed(error) => format!("failed: {}", name(error)),
    }
}

/// Names an error: its code says more in few words than the sentence beside it.
fn name(error: &Error) -> &str {
    error.code.as_deref().unwrap_or(&error.message)
}

/// Tells whether nothing more happens to the step.
pub(super) fn is_end(what: &EventKind) -> bool {
    match what {
        EventKind::Started
        | EventKind::Called(_)
        | EventKind::Waiting(_)
        | EventKind::Retrying(_) => false,
        EventKind::Settled(_)
        | EventKind::Adopted(_)
        | EventKind::Degraded(_)
        | EventKind::Removed
        | EventKind::Skipped(_)
        | EventKind::Failed(_) => true,
    }
}

fn doing(action: Action) -> &'static str {
    match action {
        Action::Create => "creating",
        Action::Update => "changing",
        Action::Adopt => "adopting",
        Action::Delete => "deleting",
    }
}

fn done(action: Action) -> &'static str {
    match action {
        Action::Create => "created",
        Action::Update => "changed",
        Action::Adopt => "adopted",
        Action::Delete => "deleted",
    }
}
