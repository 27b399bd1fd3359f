//! Who signs a request, and whether they did.
use super::refusal::Refusal;
use crate::server::Request;
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

/// How far the clock of a request may be off, in both directions, as the documentation of
/// Signature Version 4 has it.
const SKEW: Duration = Duration::from_secs(5 * 60);

/// How long a presigned request is good at STS, whatever it says itself: EKS's authenticator relies
/// on it.
const PRESIGNED: Duration = Duration::from_secs(15 * 60);

/// What the members of a query string begin with that are of the signature.
const SIGNED: &str = "X-Amz-";

/// The signature of a request, taken apart.
#[derive(Debug, PartialEq)]
pub(crate) struct Signature {
    pub(crate) key: String,
    pub(crate) region: String,
    pub(crate) service: String,
    /// What goes with the credentials of a session.
    pub(crate) token: Option<String>,
    headers: Vec<String>,
    signature: String,
    at: String,
    /// How long it is good, when it is in the query string.
    presigned: Option<Duration>,
}

impl Signature {
    /// Reads who signed a request: from its header, or from the query string.
    ///
    /// # Errors
    /// When nobody did, or it is incomplete.
    pub(crate) fn of(request: &Request) -> Result<Self, Refusal> {
        if let Some(header) = request.header("authorization") {
            return Self::of_header(header, request);
        }
        let query: BTreeMap<String, String> =
            form_urlencoded::parse(request.query.as_bytes()).into_owned().collect();
        if query.contains_key("X-Amz-Signature") {
            return Self::of_query(&query);
        }
        let message = "Request is missing Authentication Token";
        Err(Refusal::new("MissingAuthenticationToken", message).status(403))
    }

    fn of_header(header: &str, request: &Request) -> Result<Self, Refusal> {
        let rest = header.strip_prefix("AWS4-HMAC-SHA256 ").ok_or_else(|| incomplete(header))?;
        let parts: BTreeMap<&str, &str> =
            rest.split(',').filter_map(|part| part.trim().split_once('=')).collect();
        let part = |name: &str| parts.get(name).copied().ok_or_else(|| incomplete(header));
        let [key, region, service] = scope(part("Credential")?)?;
        Ok(Self {
            key,
            region,
            service,
            token: request.header("x-amz-security-token").map(str::to_owned),
            headers: part("SignedHeaders")?.split(';').map(str::to_owned).collect(),
            signature: part("Signature")?.to_owned(),
            at: request.header("x-amz-date").unwrap_or_default().to_owned(),
            presigned: None,
        })
    }

    fn of_query(query: &BTreeMap<String, String>) -> Result<Self, Refusal> {
        let part = |name: &str| {
            query.get(name).map(String::as_str).ok_or_else(|| incomplete(&format!("no {name}")))
        };
        let algorithm = part("X-Amz-Algorithm")?;
        let expires = part("X-Amz-Expires")?;
        if algorithm != "AWS4-HMAC-SHA256" {
            return Err(incomplete(algorithm));
        }
        let [key, region, service] = scope(part("X-Amz-Credential")?)?;
        let seconds = expires.parse().map_err(|_| incomplete(expires))?;
        Ok(Self {
            key,
            region,
            service,
            token: query.get("X-Amz-Security-Token").cloned(),
            headers: part("X-Amz-SignedHeaders")?.split(';').map(str::to_owned).collect(),
            signature: part("X-Amz-Signature")?.to_owned(),
            at: part("X-Amz-Date")?.to_owned(),
            presigned: Some(Duration::from_secs(seconds)),
        })
    }

    /// Returns what a query string says beside the signature.
    pub(crate) fn unsigned(query: &str) -> String {
        let members = query.split('&').filter(|member| !member.starts_with(SIGNED));
        members.collect::<Vec<_>>().join("&")
    }

    /// Checks that the request was signed with a secret, and is good now.
    ///
    /// # Errors
    /// When it was not.
    pub(crate) fn check(&self, request: &Request, secret: &str) -> Result<(), Refusal> {
        let at = instant(&self.at).ok_or_else(|| incomplete(&self.at))?;
        let good = match self.presigned {
            None => SKEW,
            Some(_) if self.service == "sts" => PRESIGNED,
            Some(expires) => expires,
        };
        let now = SystemTime::now();
        let is_good = match now.duration_since(at) {
            Ok(passed) => passed <= good,
            Err(early) => early.duration() <= SKEW,
        };
        if !is_good {
            return Err(mismatch(&format!("Signature not yet current or expired: {}", self.at)));
        }
        self.complete(request)?;
        match self.wanted(request, secret, at) {
            Some(wanted) if wanted == self.signature => Ok(()),
            _ => Err(mismatch(
                "The request signature we calculated does not match the signature you provided. \
                 Check your AWS Secret Access Key and signing method.",
            )),
        }
    }

    /// Checks that a request has no header that must be signed and is not, and each of those that
    /// are but once.
    fn complete(&self, request: &Request) -> Result<(), Refusal> {
        let is_signed = |name: &str| self.headers.iter().any(|signed| signed == name);
        let must = |name: &str| name == "host" || name.starts_with("x-amz-");
        let names = || request.headers.iter().map(|(name, _)| name.as_str());
        if let Some(name) = names().find(|name| must(name) && !is_signed(name)) {
            return Err(mismatch(&format!("'{name}' must be a 'SignedHeader' in the signature.")));
        }
        let count = |wanted: &String| names().filter(|name| name == wanted).count();
        match self.headers.iter().find(|name| count(name) > 1) {
            None => Ok(()),
            Some(name) => Err(mismatch(&format!("the signed header '{name}' is there twice"))),
        }
    }

    /// Signs the request again, as whoever holds the secret would.
    fn wanted(&self, request: &Request, secret: &str, at: SystemTime) -> Option<String> {
        let identity = Credentials::new(&self.key, secret, self.token.clone(), None, "sandbox");
        let identity = identity.into();
        let mut settings = SigningSettings::default();
        settings.excluded_headers = None;
        settings.expires_in = self.presigned;
        settings.signature_location = match self.presigned {
            None => SignatureLocation::Headers,
            Some(_) => SignatureLocation::QueryParams,
        };
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(&self.service)
            .time(at)
            .settings(settings)
            .build()
            .ok()?;
        let set_by_signing = ["x-amz-date", "x-amz-security-token"];
        let signed = self.headers.iter().filter(|name| !set_by_signing.contains(&name.as_str()));
        let headers = signed.map(|name| Some((name.as_str(), request.header(name)?)));
        let headers: Vec<_> = headers.collect::<Option<_>>()?;
        let target = match self.presigned {
            None => request.target.clone(),
            Some(_) => format!("{}?{}", request.path, Self::unsigned(&request.query)),
        };
        let url = format!("http://{}{target}", request.header("host")?);
        let body = SignableBody::Bytes(&request.body);
        let signable =
            SignableRequest::new(&request.method, url, headers.into_iter(), body).ok()?;
        Some(sign(signable, &params.into()).ok()?.into_parts().1)
    }
}

/// Reads key, region and service out of a credential's scope.
fn scope(credential: &str) -> Result<[String; 3], Refusal> {
    match credential.split('/').collect::<Vec<_>>()[..] {
        [key, _day, region, service, "aws4_request"] => {
            Ok([key, region, service].map(str::to_owned))
        }
        _ => Err(incomplete(credential)),
    }
}

fn incomplete(what: &str) -> Refusal {
    let message = format!("Authorization header or its date is incomplete: {what}");
    Refusal::new("IncompleteSignature", message).status(403)
}

fn mismatch(why: &str) -> Refusal {
    Refusal::new("SignatureDoesNotMatch", why).status(403)
}

/// Reads a date such as `20150830T123600Z`.
fn instant(text: &str) -> Option<SystemTime> {
    let at = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok()?;
    Some(at.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Presigned by botocore, for a cluster called acme.
    const QUERY: &str = "Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256\
        &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20260102%2Fus-east-1%2Fsts%2Faws4_request\
        &X-Amz-Date=20260102T030405Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host%3Bx-k8s-aws-id\
        &X-Amz-Security-Token=a-token%2Fwith%2Bsigns%3D\
        &X-Amz-Signature=34451fe3777f695adce5875d4df9ef523320e75942da24a85e84813437addfb4";

    fn presigned(cluster: &str) -> Request {
        let headers = [("host", "127.0.0.1:4566"), ("x-k8s-aws-id", cluster)];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Request {
            method: "GET".to_owned(),
            target: format!("/?{QUERY}"),
            path: "/".to_owned(),
            query: QUERY.to_owned(),
            headers: headers.into(),
            body: Vec::new(),
        }
    }

    #[test]
    fn a_presigned_request_is_signed_again() {
        let request = presigned("acme");
        let signature = Signature::of(&request).unwrap();
        assert_eq!(signature.token.as_deref(), Some("a-token/with+signs="));
        let at = instant(&signature.at).unwrap();
        let wanted = |request: &Request, secret: &str| signature.wanted(request, secret, at);
        assert_eq!(wanted(&request, "not-a-secret").as_ref(), Some(&signature.signature));
        assert_ne!(
            wanted(&presigned("other"), "not-a-secret").as_ref(),
            Some(&signature.signature)
        );
        assert_ne!(wanted(&request, "another").as_ref(), Some(&signature.signature));
        assert_eq!(signature.check(&request, "not-a-secret").unwrap_err().status, 403, "it is old");
        assert_eq!(Signature::unsigned(QUERY), "Action=GetCallerIdentity&Version=2011-06-15");
    }

    #[test]
    fn every_header_of_aws_is_signed_and_there_once() {
        let mut request = presigned("acme");
        let signature = Signature::of(&request).unwrap();
        assert_eq!(signature.complete(&request), Ok(()));
        let told = |request: &Request| signature.complete(request).unwrap_err().message;
        request.headers.push(("x-amz-target".to_owned(), "TrentService.ListKeys".to_owned()));
        assert_eq!(told(&request), "'x-amz-target' must be a 'SignedHeader' in the signature.");
        request.headers.pop();
        request.headers.push(("x-k8s-aws-id".to_owned(), "other".to_owned()));
        assert_eq!(told(&request), "the signed header 'x-k8s-aws-id' is there twice");
    }
}
