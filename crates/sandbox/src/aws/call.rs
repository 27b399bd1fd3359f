//! One call: who makes it, and the world that it meets.
use super::input::Input;
use super::partition;
use super::refusal::Refusal;
use super::signature::Signature;
use crate::clock::Speed;
use crate::credential::Credential;
use crate::faults::Effect;
use crate::server::Request;
use crate::world::{Key, Object, Past, World};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;

/// What a service answers.
pub(crate) type Answer = Result<Value, Refusal>;

/// Whoever makes a call.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) account: String,
    pub(crate) arn: String,
    pub(crate) id: String,
    /// The ARN of the role that they have taken on, if any.
    pub(crate) role: Option<String>,
    /// Whether their credentials end.
    pub(crate) is_session: bool,
}

impl Caller {
    /// Finds out who signed a request.
    ///
    /// # Errors
    /// When nobody has the key, or the signature is not made with its secret.
    pub(crate) fn of(
        world: &World,
        signature: &Signature,
        request: &Request,
        credentials: &BTreeMap<String, Credential>,
        open: bool,
    ) -> Result<Self, Refusal> {
        let of_account = || Credential::of_id(&signature.key).filter(|_| open);
        let key = credentials.get(&signature.key).cloned().or_else(of_account);
        if let Some(Credential { secret, account, partition: of, .. }) = key {
            let here = partition(&signature.region);
            if of.is_some_and(|of| of != here) {
                return Err(super::sts::unknown());
            }
            signature.check(request, &secret)?;
            let arn = format!("arn:{here}:iam::{account}:user/sandbox");
            let id = format!("AIDASANDB{account}");
            return Ok(Self { account, arn, id, role: None, is_session: false });
        }
        super::sts::session(world, signature, request)
    }
}

/// One call to a service.
pub(crate) struct Call<'a> {
    pub(crate) world: &'a mut World,
    /// The world as reads see it.
    pub(crate) past: Past,
    pub(crate) caller: Caller,
    pub(crate) region: String,
    pub(crate) operation: &'a str,
    /// How fast time passes.
    pub(crate) speed: Speed,
    /// Whether a role that there is not is made when it is first taken on.
    pub(crate) open: bool,
    /// The fault that befalls it, for services that say later that something went wrong.
    pub(crate) effect: Option<Effect>,
    /// Where the APIs of clusters answer.
    pub(crate) kubernetes: &'a str,
}

impl Call<'_> {
    /// Reads the request into the type of its operation, and does it.
    ///
    /// # Errors
    /// What the operation refuses, and a member that it does not know.
    pub(crate) fn run<T: DeserializeOwned>(
        &mut self,
        input: &Input,
        work: impl FnOnce(&mut Self, T) -> Answer,
    ) -> Answer {
        let request = input.read().map_err(|why| {
            let operation = self.operation;
            match why.split('`').nth(1) {
                Some(member) if why.starts_with("missing field") => {
                    let message = format!("The request must contain the parameter {member}");
                    Refusal::new("MissingParameter", message)
                }
                Some(member) if why.starts_with("unknown field") => {
                    Refusal::unsupported(&format!("the parameter {member} of {operation}"))
                }
                _ => Refusal::new("InvalidParameterValue", why),
            }
        })?;
        work(self, request)
    }

    /// Refuses an operation that nobody has built.
    pub(crate) fn unsupported(&self) -> Answer {
        Err(Refusal::unsupported(&format!("the operation {}", self.operation)))
    }

    /// Tells whether an object is where the caller looks.
    fn is_here(&self, object: &Object) -> bool {
        object.account == self.caller.account
            && (object.region.is_empty() || object.region == self.region)
    }

    /// Returns the objects of a kind as reads see them now, which may be a while ago.
    pub(crate) fn seen(&self, kind: &str) -> Vec<(&Key, &Object)> {
        let all = self.past.of(self.world, kind).into_iter();
        all.filter(|(_, object)| self.is_here(object)).collect()
    }

    /// Returns an object as reads see it now.
    pub(crate) fn find(&self, key: &Key) -> Option<&Object> {
        self.past.get(self.world, key).filter(|object| self.is_here(object))
    }

    /// Returns the objects of a kind that there really are.
    pub(crate) fn there(&self, kind: &str) -> Vec<(&Key, &Object)> {
        self.world.of(kind).filter(|(_, object)| self.is_here(object)).collect()
    }

    /// Returns an object that there really is.
    pub(crate) fn get(&self, key: &Key) -> Option<&Object> {
        self.world.get(key).filter(|object| self.is_here(object))
    }

    /// Begins an object of the caller's, in the region.
    pub(crate) fn object(&self) -> Object {
        Object {
            account: self.caller.account.clone(),
            region: self.region.clone(),
            made: self.world.now,
            ..Object::default()
        }
    }

    /// Writes the ARN of something of the caller's, in the region.
    pub(crate) fn arn(&self, service: &str, rest: &str) -> String {
        let (region, account) = (&self.region, &self.caller.account);
        format!("arn:{}:{service}:{region}:{account}:{rest}", partition(region))
    }
}
