//! Working as a role: sessions that the caller's own credentials begin, and begin again in time.
use crate::aws::{Endpoints, Reply, client, missing};
use aws_config::SdkConfig;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future;
use aws_sdk_sts::Client;
use aws_sdk_sts::config::{
    Credentials, IdentityCache, ProvideCredentials, SharedCredentialsProvider,
};
use provision_core::{Error, Kind, Result};
use serde::{Deserialize, Serialize};
use std::time::{Duration, SystemTime};

/// How long a session lasts: as long as every role allows, also from within another.
const LENGTH: Duration = Duration::from_secs(60 * 60);

/// How long before its end a session is not used any more, as far as it is long enough. The clocks
/// of two machines may differ by as much before signatures are refused.
const MARGIN: Duration = Duration::from_secs(5 * 60);

/// How long a session may take to begin: longer than any call.
const PATIENCE: Duration = Duration::from_secs(60);

/// A role to work as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssumeRole {
    /// Its ARN.
    pub arn: String,
    /// The word that its trust policy asks for; empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub external_id: String,
}

/// Makes everything be called as a role, in sessions that are named after the cluster.
pub(crate) fn working_as(
    role: AssumeRole,
    cluster: &str,
    config: &SdkConfig,
    endpoints: &Endpoints,
) -> SdkConfig {
    let sts = client!(aws_sdk_sts, config, endpoints, "STS");
    let sessions = Sessions { sts, role, name: format!("provision-{cluster}") };
    config
        .to_builder()
        .credentials_provider(SharedCredentialsProvider::new(sessions))
        .identity_cache(IdentityCache::lazy().load_timeout(PATIENCE).build())
        .build()
}

/// Sessions of a role.
#[derive(Debug)]
struct Sessions {
    sts: Client,
    role: AssumeRole,
    name: String,
}

impl Sessions {
    async fn begin(&self) -> Result<Credentials> {
        const ASSUME: &str = "sts:AssumeRole";
        let asked = SystemTime::now();
        let AssumeRole { arn, external_id } = &self.role;
        let word = Some(external_id.clone()).filter(|word| !word.is_empty());
        let call = self.sts.assume_role().role_arn(arn).role_session_name(&self.name);
        let call = call.duration_seconds(LENGTH.as_secs() as i32).set_external_id(word);
        let answer = call.send().await.reply(ASSUME);
        let answer = answer.map_err(|error| refused(&self.role, error))?;
        let keys = answer.credentials.ok_or_else(|| missing(ASSUME, "credentials"))?;
        let told = SystemTime::try_from(keys.expiration).unwrap_or(asked);
        let (id, secret) = (keys.access_key_id, keys.secret_access_key);
        let until = Some(good_until(asked, told));
        Ok(Credentials::new(id, secret, Some(keys.session_token), until, "provision"))
    }
}

impl ProvideCredentials for Sessions {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let session = async { self.begin().await.map_err(CredentialsError::provider_error) };
        future::ProvideCredentials::new(session)
    }
}

/// Returns until when a session is used that was asked for at a time. What STS tells is by its own
/// clock; by ours it is over after its length.
fn good_until(asked: SystemTime, told: SystemTime) -> SystemTime {
    early(asked, told.min(asked + LENGTH), MARGIN)
}

/// Returns until when what was had at a time is used that is over at another: so much sooner, as far
/// as it is good for long enough.
pub(crate) fn early(since: SystemTime, end: SystemTime, margin: Duration) -> SystemTime {
    let length = end.duration_since(since).unwrap_or_default();
    since + (length - margin.min(length / 4))
}

/// Says what keeps the caller out of a role: who they are, or what it asks for.
fn refused(role: &AssumeRole, error: Error) -> Error {
    let AssumeRole { arn, external_id } = role;
    match error.kind {
        Kind::Auth => error.hint(format!(
            "the caller's own credentials failed, with which {arn} is taken on: get fresh ones, \
             and run the same command again"
        )),
        Kind::Denied => {
            let word = match external_id.as_str() {
                "" => "without an external id, as eks.assumeRole.externalId names none".to_owned(),
                word => format!("under the external id {word}, as eks.assumeRole.externalId says"),
            };
            let hint = format!(
                "the caller's own credentials are good, and the role lets them in when its trust \
                 policy allows them sts:AssumeRole {word}; from another account the caller's own \
                 policies must allow it too"
            );
            Error { kind: Kind::Auth, ..error }.hint(hint)
        }
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    #[test]
    fn a_session_is_given_up_in_time_whatever_the_clocks_say() {
        let asked = UNIX_EPOCH + Duration::from_secs(1_000_000);
        let used = |told: i64| {
            let told = match u64::try_from(told) {
                Ok(later) => asked + Duration::from_secs(later),
                Err(_) => asked - Duration::from_secs(told.unsigned_abs()),
            };
            good_until(asked, told).duration_since(asked).unwrap().as_secs()
        };
        assert_eq!(used(3600), 3300);
        assert_eq!(used(3600 + 900), 3300, "our clock is behind");
        assert_eq!(used(3600 - 240), 3060, "our clock is ahead");
        assert_eq!(used(40), 30, "a session that is short");
        assert_eq!(used(-60), 0, "a session that seems to be over is used once");
    }

    #[test]
    fn who_is_refused_is_told_from_what_is_asked_for() {
        let arn = "arn:aws:iam::210987654321:role/deploy".to_owned();
        let of = |external_id: &str, kind| {
            let role = AssumeRole { arn: arn.clone(), external_id: external_id.into() };
            let error = refused(&role, Error::new(kind, "no"));
            (error.kind, error.hint.map(String::from).unwrap_or_default())
        };
        let (kind, hint) = of("", Kind::Auth);
        assert!(kind == Kind::Auth && hint.contains("own credentials failed"), "{hint}");
        let (kind, hint) = of("word", Kind::Denied);
        assert!(kind == Kind::Auth && hint.contains("under the external id word"), "{hint}");
        assert!(of("", Kind::Denied).1.contains("without an external id"));
        assert_eq!(of("", Kind::Retry), (Kind::Retry, String::new()));
    }
}
