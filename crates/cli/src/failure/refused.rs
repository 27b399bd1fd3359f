//! A plan that was refused, as people are told.
use super::{Code, Details, Failure};
use crate::render::trouble::Group;
use provision_core::plan::{Refusal, Refused};

/// The greatest number of flags that are written out.
const PASTED: usize = 6;

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        let mut failure = Self::new(Code::PlanRefused, refused.to_string());
        if refused.0.len() > 1 {
            failure.causes = refused.0.iter().map(ToString::to_string).collect();
        }
        let (foreign, others): (Vec<_>, Vec<_>) = refused.0.iter().partition(|r| is_foreign(r));
        if foreign.len() < 2 {
            failure.hints = distinct(refused.0.iter().map(Refusal::hint));
            return failure;
        }
        let mut groups = groups(&foreign);
        if others.is_empty() {
            let count = foreign.len();
            failure.error = format!("the plan is refused: {count} objects exist and are not ours");
        } else {
            let rows = others.iter().map(|refusal| (refusal.to_string(), String::new())).collect();
            groups.push(Group { title: "for other reasons:".to_owned(), rows });
        }
        failure.details = Some(Box::new(Details::Groups(groups)));
        failure.hints = distinct(others.iter().map(|refusal| refusal.hint()));
        failure.hint(take_over(&foreign))
    }
}

fn is_foreign(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::Foreign { .. })
}

/// Lists objects of others by how we know that they are.
fn groups(foreign: &[&Refusal]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for refusal in foreign {
        let Refusal::Foreign { address, object, owner } = refusal else { continue };
        // The address says of which kind it is.
        let id = object.split_once(' ').map_or(object.as_str(), |(_, id)| id);
        let (title, row) = (format!("each {owner}:"), (address.to_string(), id.to_owned()));
        match groups.iter_mut().find(|group| group.title == title) {
            Some(group) => group.rows.push(row),
            None => groups.push(Group { title, rows: vec![row] }),
        }
    }
    groups
}

/// Says how to take objects over: with flags that can be pasted, unless they are many.
fn take_over(foreign: &[&Refusal]) -> String {
    let flag = |refusal: &&Refusal| match refusal {
        Refusal::Foreign { address, .. } => Some(format!("--adopt {address}")),
        _ => None,
    };
    let (how, flags) = match foreign.len() {
        0..=PASTED => {
            ("take them over", foreign.iter().filter_map(flag).collect::<Vec<_>>().join(" "))
        }
        _ => ("take each over", "--adopt ADDRESS".to_owned()),
    };
    format!(
        "name the state that they belong to with `--state`, rename the cluster, remove them, or \
         {how} with `{flags}`"
    )
}

fn distinct(hints: impl Iterator<Item = String>) -> Vec<String> {
    let mut all = Vec::new();
    for hint in hints {
        if !all.contains(&hint) {
            all.push(hint);
        }
    }
    all
}
