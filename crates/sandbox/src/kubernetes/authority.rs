//! The authority that certifies the API of every cluster of a world, and signs tokens.
//!
//! Its keys follow from the seed of the world, so that the same seed makes the same world: they keep
//! nobody out who knows that.
use crate::world::World;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_ED25519, SigningKey, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::io;
use std::sync::Arc;

/// What the bytes of an Ed25519 key begin with in PKCS #8, as RFC 8410 has it.
const ED25519: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// Returns one of the authority's keys.
fn key(world: &World, of: &str) -> KeyPair {
    let mut bytes = ED25519.to_vec();
    bytes.extend(Sha256::digest(format!("{of} of the world {}", world.seed)));
    let key =
        KeyPair::from_pkcs8_der_and_sign_algo(&PrivatePkcs8KeyDer::from(bytes), &PKCS_ED25519);
    key.expect("any 32 bytes are a key")
}

/// Returns what a certificate says of someone, from long ago until long after.
fn params(name: &str, names: Vec<String>) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2099, 1, 1));
    Ok(params)
}

fn authority() -> Result<CertificateParams, rcgen::Error> {
    let mut params = params("kubernetes", Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    Ok(params)
}

/// Returns the authority's certificate.
pub(super) fn certificate(world: &World) -> String {
    let key = key(world, "authority");
    let certificate = authority().and_then(|params| params.self_signed(&key));
    certificate.expect("what it says can be signed").pem()
}

/// Returns the authority's certificate as `DescribeCluster` tells it.
pub(crate) fn data(world: &World) -> String {
    STANDARD.encode(certificate(world))
}

/// Signs the text of a token. The same text has the same signature.
pub(super) fn sign(world: &World, text: &str) -> Vec<u8> {
    key(world, "tokens").sign(text.as_bytes()).expect("the key can sign")
}

/// Returns what tells how tokens are signed.
pub(super) fn header() -> Value {
    json!({ "alg": "EdDSA", "kid": "sandbox" })
}

/// Returns how the API answers with TLS.
///
/// # Errors
/// When no key can be made.
pub(super) fn tls(world: &World) -> io::Result<Arc<ServerConfig>> {
    let (certificate, key) = own(world).map_err(io::Error::other)?;
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .map_err(io::Error::other)?;
    Ok(Arc::new(config))
}

/// Makes the certificate of the API itself, with its key.
fn own(world: &World) -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), rcgen::Error> {
    let issuer = Issuer::new(authority()?, key(world, "authority"));
    let own = KeyPair::generate()?;
    let names = ["127.0.0.1", "::1", "localhost"].map(str::to_owned);
    let mut params = params("kube-apiserver", names.into())?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let certificate = params.signed_by(&own, &issuer)?;
    let key = PrivatePkcs8KeyDer::from(own.serialize_der());
    Ok((certificate.der().clone(), key.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_has_the_same_authority() {
        let of = |seed| certificate(&World::new(seed, 0));
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
        assert!(of(1).starts_with("-----BEGIN CERTIFICATE-----"));
    }
}
