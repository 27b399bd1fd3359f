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

/// The signature of a request, taken apart.
#[derive(Debug, PartialEq)]
pub(crate) struct Signature {
    pub(crate) key: String,
    pub(crate) region: String,
    pub(crate) service: String,
    headers: Vec<String>,
    signature: String,
    at: String,
}

impl Signature {
    /// Reads the header of a signed request.
    ///
    /// # Errors
    /// When there is none, or it is incomplete.
    pub(crate) fn of(request: &Request) -> Result<Self, Refusal> {
        let header = request.header("authorization").ok_or_else(|| {
            let message = "Request is missing Authentication Token";
            Refusal::new("MissingAuthenticationToken", message).status(403)
        })?;
        let rest = header.strip_prefix("AWS4-HMAC-SHA256 ").ok_or_else(|| incomplete(header))?;
        let parts: BTreeMap<&str, &str> =
            rest.split(',').filter_map(|part| part.trim().split_once('=')).collect();
        let part = |name: &str| parts.get(name).copied().ok_or_else(|| incomplete(header));
        let scope: Vec<&str> = part("Credential")?.split('/').collect();
        let [key, _day, region, service, "aws4_request"] = scope[..] else {
            return Err(incomplete(header));
        };
        Ok(Self {
            key: key.to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
            headers: part("SignedHeaders")?.split(';').map(str::to_owned).collect(),
            signature: part("Signature")?.to_owned(),
            at: request.header("x-amz-date").unwrap_or_default().to_owned(),
        })
    }

    /// Checks that the request was signed with a secret, and not long ago.
    ///
    /// # Errors
    /// When it was not.
    pub(crate) fn check(&self, request: &Request, secret: &str) -> Result<(), Refusal> {
        let at = instant(&self.at).ok_or_else(|| incomplete(&self.at))?;
        let now = SystemTime::now();
        let off = now.duration_since(at).or_else(|_| at.duration_since(now)).unwrap_or_default();
        if off > SKEW {
            let message = format!("Signature not yet current or expired: {}", self.at);
            return Err(Refusal::new("SignatureDoesNotMatch", message).status(403));
        }
        match self.wanted(request, secret, at) {
            Some(wanted) if wanted == self.signature => Ok(()),
            _ => Err(Refusal::new(
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided. \
                 Check your AWS Secret Access Key and signing method.",
            )
            .status(403)),
        }
    }

    /// Signs the request again, as whoever holds the secret would.
    fn wanted(&self, request: &Request, secret: &str, at: SystemTime) -> Option<String> {
        let token = request.header("x-amz-security-token").map(str::to_owned);
        let identity = Credentials::new(&self.key, secret, token, None, "sandbox").into();
        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::Headers;
        settings.excluded_headers = None;
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
        let url = format!("http://{}{}", request.header("host")?, request.target);
        let body = SignableBody::Bytes(&request.body);
        let signable =
            SignableRequest::new(&request.method, url, headers.into_iter(), body).ok()?;
        Some(sign(signable, &params.into()).ok()?.into_parts().1)
    }
}

fn incomplete(what: &str) -> Refusal {
    let message = format!("Authorization header or its date is incomplete: {what}");
    Refusal::new("IncompleteSignature", message).status(403)
}

/// Reads a date such as `20150830T123600Z`.
fn instant(text: &str) -> Option<SystemTime> {
    let at = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok()?;
    Some(at.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().into())
}
