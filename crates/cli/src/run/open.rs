//! The way into the living cluster.
use super::Subject;
use crate::args::Global;
use crate::failure::Failure;
use crate::render::spinner;
use provision_engine::first_call;
use provision_kubernetes::{Access, Way};
use provision_spec::Opened;

impl Subject {
    /// Opens the cluster of the file that it connected with: its API, the way there, and a token of the
    /// caller's, which is a secret. Nothing where there is no cluster.
    pub(crate) async fn open(
        &self,
        global: &Global,
    ) -> Result<Option<(Access, Way, String)>, Failure> {
        let (Some(session), Some(spec)) = (&self.session, &self.spec) else { return Ok(None) };
        let call = async || session.open(&spec.name).await;
        let opened = first_call(self.pace(), &global.stop, call);
        let opened = spinner::during(global, "looking for the cluster", opened).await?;
        Ok(opened.map(|opened| {
            let Opened { id, endpoint, certificate_authority, proxy, direct, token } = opened;
            (Access { id, endpoint, certificate_authority }, Way { proxy, direct }, token)
        }))
    }
}
