//! `provision token`: what kubectl is let in with, made anew when the last one is nearly over.
use crate::args::TokenArgs;
use crate::failure::{Code, Exit, Failure};
use crate::kubeconfig::EXEC;
use crate::{output, providers};
use jiff::Timestamp;
use provision_spec::{Entrance, Provider};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// How long a token is good at least when it is given out again.
const ENOUGH: Duration = Duration::from_secs(60);

/// A token as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    token: String,
    /// Until when it is good, in seconds since 1970.
    until: i64,
}

pub(crate) async fn run(args: &TokenArgs) -> Result<Exit, Failure> {
    let TokenArgs { provider, region, cluster, role, external_id } = args.clone();
    let unknown = || {
        let error = format!("there is no provider {provider} that makes tokens");
        Failure::new(Code::UsageProvider, error)
    };
    let provider = providers::named(&provider).ok_or_else(unknown)?;
    let entrance = Entrance { cluster, region, role, word: external_id };
    let place = place(provider, &entrance);
    let kept = match place.as_ref().and_then(recall) {
        Some(kept) => kept,
        None => {
            let token = provider.token(&entrance).await?;
            let kept = Kept { token: token.text, until: seconds(token.until) };
            keep(place, &kept);
            kept
        }
    };
    output::json(&credential(&kept));
    Ok(Exit::Done)
}

/// Returns a token in the version of the protocol that whoever asks speaks.
fn credential(kept: &Kept) -> Value {
    let asked = std::env::var("KUBERNETES_EXEC_INFO").unwrap_or_default();
    let asked: Value = serde_json::from_str(&asked).unwrap_or_default();
    let version =
        asked["apiVersion"].as_str().filter(|it| it.starts_with("client.authentication."));
    let until = Timestamp::from_second(kept.until).unwrap_or(Timestamp::MAX);
    json!({
        "apiVersion": version.unwrap_or(EXEC),
        "kind": "ExecCredential",
        "status": { "expirationTimestamp": until.to_string(), "token": kept.token },
    })
}

/// Returns where a token is kept for whoever the environment says to be.
fn place(provider: &dyn Provider, entrance: &Entrance) -> Option<PathBuf> {
    let named = |name: &str| std::env::var_os(name).filter(|it| !it.is_empty()).map(PathBuf::from);
    let cache = named("XDG_CACHE_HOME").or_else(|| Some(named("HOME")?.join(".cache")))?;
    let who = (provider.name(), format!("{entrance:?}"), provider.chosen().all);
    let digest = Sha256::digest(format!("{who:?}"));
    let name: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Some(cache.join("provision").join("tokens").join(name))
}

/// Returns the token that is kept there, if it is good for a while.
fn recall(place: &PathBuf) -> Option<Kept> {
    let kept: Kept = serde_json::from_slice(&std::fs::read(place).ok()?).ok()?;
    (kept.until > seconds(SystemTime::now() + ENOUGH)).then_some(kept)
}

fn seconds(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    since.as_secs().try_into().unwrap_or(i64::MAX)
}

/// Keeps a token where only its owner reads it. One that cannot be kept is made again the next time.
fn keep(place: Option<PathBuf>, kept: &Kept) {
    use std::os::unix::fs::DirBuilderExt;
    let Some((place, folder)) = place.as_ref().and_then(|it| Some((it, it.parent()?))) else {
        return;
    };
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    let text = serde_json::to_string(kept).expect("a token serializes");
    if made.is_err() || output::file(place, &text).is_err() {
        tracing::debug!("the token cannot be kept");
    }
}
