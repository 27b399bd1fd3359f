//! Events in words.
use crate::render::duration::span;
use crate::render::finish::without_request;
use provision_core::{Action, Event, EventKind};
use std::time::Duration;

/// Says what happened to a step that began `since` ago; `None` for what needs no saying.
pub(super) fn of(event: &Event, since: Duration) -> Option<String> {
    let took = span(since);
    Some(match &event.what {
        EventKind::Called(_) => return None,
        EventKind::Started => format!("{}…", doing(event.action)),
        EventKind::Waiting(status) => status.clone(),
        EventKind::Retrying(error) => format!("trying again: {}", without_request(error)),
        EventKind::Settled(_) => format!("{} ({took})", done(event.action)),
        EventKind::Adopted(_) => format!("adopted ({took})"),
        EventKind::Degraded(why) => format!("{}, degraded: {why} ({took})", done(event.action)),
        EventKind::Removed => format!("deleted ({took})"),
        EventKind::Skipped(why) => format!("skipped: {why}"),
        EventKind::Failed(error) => format!("failed: {error} ({took})"),
    })
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

/// Says what a step is doing.
pub(super) fn doing(action: Action) -> &'static str {
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
