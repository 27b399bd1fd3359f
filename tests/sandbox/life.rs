//! The life of a cluster, at moments that can be gone back to.
use crate::folder::{Folder, Ran};
use crate::manifests::{self, TEAM};
use crate::proxy::{Call, Fate, Proxy};
use crate::served::Served;
use serde_json::{Value, json};
use std::fs;

pub(crate) const APPLY: &[&str] = &["apply", "--auto-approve"];
pub(crate) const DESTROY: &[&str] = &["destroy", "--auto-approve", "--delete-volumes"];
/// The same, where volumes stay and are nobody's then.
pub(crate) const RELEASE: &[&str] = &["destroy", "--auto-approve"];

const STATE: &str = "acme-prod.state.jsonl";

/// A world and the state of its cluster, as they were once.
#[derive(Clone, Default)]
pub(crate) struct Moment {
    /// Empty before anything was asked of the world.
    pub(crate) world: Vec<u8>,
    pub(crate) state: Option<Vec<u8>>,
}

impl Moment {
    /// Returns the same with a seed that decides what chance brings from then on.
    pub(crate) fn of_seed(&self, seed: u64) -> Self {
        let mut world: Value = serde_json::from_slice(&self.world).expect("a world is JSON");
        world["seed"] = json!(seed);
        Self { world: world.to_string().into_bytes(), ..self.clone() }
    }
}

/// A cluster with a world of its own.
pub(crate) struct Life {
    pub(crate) served: Served,
    pub(crate) folder: Folder,
}

impl Life {
    /// Goes on from a moment, with a cluster file and the manifests that it may name.
    pub(crate) fn from(moment: &Moment, file: &str) -> Self {
        let served = Served::start();
        if !moment.world.is_empty() {
            served.replace(&moment.world);
        }
        let mut folder = Folder::on(&served, file);
        folder.set("REGISTRY_TOKEN", "one-token");
        for (name, text) in [("team.yaml", TEAM.to_owned()), ("changed.yaml", manifests::changed())]
        {
            fs::write(folder.path(name), text).expect("it can be written");
        }
        if let Some(state) = &moment.state {
            fs::write(folder.path(STATE), state).expect("it can be written");
        }
        Self { served, folder }
    }

    /// Returns how everything is now.
    pub(crate) fn moment(&self) -> Moment {
        Moment { world: self.served.world(), state: fs::read(self.folder.path(STATE)).ok() }
    }

    /// Starts a proxy, which the program then goes through.
    pub(crate) fn proxy(
        &mut self,
        decide: impl Fn(&Call<'_>) -> Fate + Send + Sync + 'static,
    ) -> Proxy {
        let proxy = Proxy::start(&self.served.url, decide);
        self.folder.set("AWS_ENDPOINT_URL", &proxy.url);
        proxy
    }

    /// Runs a command that must end well.
    pub(crate) fn ok(&self, arguments: &[&str]) -> Ran {
        let ran = self.folder.run(arguments);
        assert_eq!(ran.code, Some(0), "{arguments:?}\n{}\n{}", ran.stdout, ran.stderr);
        ran
    }
}
