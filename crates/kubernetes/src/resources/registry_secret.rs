//! What images are pulled with from a private registry.
//!
//! The token is read where it is when the secret is made or changed, and nowhere kept. Whether it
//! has changed is seen by the secret itself, or, where there is no token to compare with, by a
//! digest that only this state can make.
use super::TIMING;
use crate::api::{Api, Named, Noun, Outputs, Tags, annotations, owned};
use crate::clusters::Kubernetes;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use kube::core::DynamicObject;
use provision_core::{
    Cx, Diff, Identity, Live, Marks, Phase, Resource, Result, Rule, SecretRef, Started, Timing,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::Sha256;

const NOUN: Noun<'static> = Noun { api_version: "v1", kind: "Secret", plural: "secrets" };

/// What kind of secret it is, and the one thing that it holds.
const TYPE: &str = "kubernetes.io/dockerconfigjson";
const DATA: &str = ".dockerconfigjson";

/// The annotation with the digest of the token.
const DIGEST: &str = "provision-digest";

/// What images are pulled with from a private registry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegistrySecret {
    /// Its name.
    pub name: String,
    /// The namespace of the pods.
    pub namespace: String,
    /// What kind of secret it is.
    pub purpose: String,
    /// The registry, as clients write it.
    pub registry: String,
    /// Who pulls.
    pub user: String,
    /// Where the token is.
    pub token: SecretRef,
    /// Whether the secret holds that.
    pub password: Password,
    /// Its annotations.
    pub annotations: Tags,
}

/// Whether a secret holds the token that it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Password {
    /// It does.
    #[serde(rename = "the token")]
    Token,
    /// It does not.
    #[serde(rename = "something else")]
    Other,
}

impl RegistrySecret {
    /// What kind of secret it is.
    pub const PURPOSE: &'static str = TYPE;
}

impl Resource for RegistrySecret {
    const KIND: &'static str = "kubernetes.registry_secret";
    const RULES: &'static [(&'static str, Rule)] = &[
        ("name", Rule::Immutable),
        ("namespace", Rule::Immutable),
        ("purpose", Rule::Immutable),
        ("annotations", Rule::Tags),
    ];
    const IDENTITY: Identity = Identity::Name;
    const TIMING: Timing = TIMING;
    type Cloud = Kubernetes;
    type Outputs = Outputs;

    async fn read(
        &self,
        cx: &Cx<'_, Kubernetes>,
        _: Option<&Outputs>,
    ) -> Result<Option<Live<Self>>> {
        let Some(found) = Api::seen(cx, self.named()).await? else { return Ok(None) };
        let token = match cx.cloud.removes {
            true => None,
            false => cx.secret(&self.token).ok(),
        };
        Ok(Some(live(cx.marks(), &found, &self.token, token.as_deref())))
    }

    async fn create(&self, cx: &Cx<'_, Kubernetes>) -> Result<Started<Outputs>> {
        Api::open(cx)?.make(self.named(), self.body(cx)?).await
    }

    async fn update(
        &self,
        cx: &Cx<'_, Kubernetes>,
        _: &Live<Self>,
        diff: &Diff,
    ) -> Result<Started<Outputs>> {
        // What only takes annotations away needs no token.
        let body = match diff.tags("annotations").remove.is_empty() {
            true => self.body(cx)?,
            false => Value::Null,
        };
        Api::open(cx)?.change(self.named(), body, diff).await
    }

    async fn delete(cx: &Cx<'_, Kubernetes>, live: &Live<Self>) -> Result<Started<Outputs>> {
        Api::open(cx)?.delete(live.spec.named(), &live.outputs.uid).await
    }
}

impl RegistrySecret {
    fn named(&self) -> Named<'_> {
        Named { noun: NOUN, namespace: &self.namespace, name: &self.name }
    }

    fn body(&self, cx: &Cx<'_, Kubernetes>) -> Result<Value> {
        let token = cx.secret(&self.token)?;
        let mut annotations = self.annotations.clone();
        annotations.insert(DIGEST.to_owned(), digest(cx.marks(), &token));
        let pair = BASE64_STANDARD.encode(format!("{}:{token}", self.user));
        let entry = json!({ "username": self.user, "password": token, "auth": pair });
        let config = json!({ "auths": { (self.registry.as_str()): entry } }).to_string();
        Ok(json!({
            "metadata": { "annotations": annotations },
            "type": self.purpose,
            "data": { (DATA): BASE64_STANDARD.encode(config) },
        }))
    }
}

/// Returns what tells a token from another to whoever knows the lineage, and says nothing of it.
fn digest(marks: &Marks, token: &str) -> String {
    let key = marks.lineage.as_deref().unwrap_or_default();
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("a key has any length");
    mac.update(token.as_bytes());
    mac.finalize().into_bytes().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// The only entry of a secret: registry, user and password.
fn entry(secret: &DynamicObject) -> Option<(String, String, String)> {
    let data = BASE64_STANDARD.decode(secret.data["data"][DATA].as_str()?).ok()?;
    let config: Value = serde_json::from_slice(&data).ok()?;
    let auths = config["auths"].as_object()?;
    let names = auths.keys().cloned().collect::<Vec<_>>().join(", ");
    let text = |field: &str| {
        let first = auths.values().next()?;
        first[field].as_str().map(str::to_owned)
    };
    Some((names, text("username")?, text("password")?))
}

fn live(
    marks: &Marks,
    secret: &DynamicObject,
    reference: &SecretRef,
    token: Option<&str>,
) -> Live<RegistrySecret> {
    let mut annotations = annotations(secret);
    let noted = annotations.remove(DIGEST);
    let (registry, user, password) = entry(secret).unwrap_or_default();
    let is_it = match token {
        Some(token) => password == token,
        None => noted == Some(digest(marks, &password)),
    };
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    owned(marks, secret, Phase::Ready, annotations, |annotations| RegistrySecret {
        name: text(&secret.metadata.name),
        namespace: text(&secret.metadata.namespace),
        purpose: secret.data["type"].as_str().unwrap_or_default().to_owned(),
        registry,
        user,
        token: reference.clone(),
        password: if is_it { Password::Token } else { Password::Other },
        annotations,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Way;
    use crate::api::tests::{marks, ours};
    use crate::clusters::tests::Somebody;
    use provision_core::{Address, At, Secrets};

    struct Held(&'static str);

    impl Secrets for Held {
        fn read(&self, _: &SecretRef) -> Result<String> {
            Ok(self.0.to_owned())
        }
    }

    fn wanted() -> RegistrySecret {
        RegistrySecret {
            name: "regcred".into(),
            namespace: "qualytics".into(),
            purpose: TYPE.into(),
            registry: "https://index.docker.io/v1/".into(),
            user: "puller".into(),
            token: SecretRef::Env("TOKEN".into()),
            password: Password::Token,
            annotations: Tags::new(),
        }
    }

    fn made(token: &'static str) -> DynamicObject {
        let (kubernetes, marks) = (Kubernetes::new(Somebody, Way::default(), false), marks());
        let (address, secrets) = (Address::from("secret/regcred"), Held(token));
        let at =
            At { marks: &marks, address: &address, token: "", within: None, secrets: &secrets };
        let mut body = wanted().body(&Cx::new(&kubernetes, at)).unwrap();
        body["metadata"]["name"] = "regcred".into();
        body["metadata"]["namespace"] = "qualytics".into();
        ours("secret/regcred", body)
    }

    #[test]
    fn a_secret_is_seen_as_it_was_asked_for() {
        let object = made("canary");
        let text = serde_json::to_string(&object).unwrap();
        assert!(!text.contains("canary"), "it is only there in base64");
        for token in [Some("canary"), None] {
            let live = live(&marks(), &object, &wanted().token, token);
            assert_eq!(RegistrySecret { annotations: Tags::new(), ..live.spec }, wanted());
        }
    }

    #[test]
    fn another_token_is_seen_with_and_without_ours() {
        let seen = |object: &DynamicObject, token: Option<&str>| {
            live(&marks(), object, &wanted().token, token).spec.password
        };
        let mut object = made("canary");
        assert_eq!(seen(&object, Some("another")), Password::Other);
        object.data["data"] = made("another").data["data"].clone();
        assert_eq!(seen(&object, None), Password::Other);
        object.data["data"] = json!({});
        assert_eq!(seen(&object, None), Password::Other);
    }
}
