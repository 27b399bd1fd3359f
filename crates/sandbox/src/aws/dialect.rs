//! How services say that they do not know the caller, each family in its own words.
use super::Refusal;
use super::protocol::Protocol;

/// Puts a refusal of the caller, in the words of IAM and STS, into those of a protocol.
pub(crate) fn of(protocol: Protocol, refusal: Refusal) -> Refusal {
    match protocol {
        Protocol::Query(_) => refusal,
        Protocol::Ec2 => ec2(refusal),
        Protocol::Json(_) => json(refusal).status(400),
        Protocol::Rest => json(refusal),
    }
}

fn ec2(refusal: Refusal) -> Refusal {
    match refusal.code.as_str() {
        "InvalidClientTokenId" | "SignatureDoesNotMatch" => {
            let message = "AWS was not able to validate the provided access credentials";
            Refusal::new("AuthFailure", message).status(401)
        }
        "ExpiredToken" => Refusal::new("RequestExpired", "Request has expired."),
        _ => refusal,
    }
}

fn json(refusal: Refusal) -> Refusal {
    let code = match refusal.code.as_str() {
        "InvalidClientTokenId" => "UnrecognizedClientException",
        "SignatureDoesNotMatch" => "InvalidSignatureException",
        "ExpiredToken" => "ExpiredTokenException",
        "IncompleteSignature" => "IncompleteSignatureException",
        "MissingAuthenticationToken" => "MissingAuthenticationTokenException",
        _ => return refusal,
    };
    Refusal { code: code.to_owned(), ..refusal }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_has_its_words() {
        let unknown = || Refusal::new("InvalidClientTokenId", "no").status(403);
        let told = |protocol| {
            let refusal = of(protocol, unknown());
            (refusal.code, refusal.status)
        };
        let wanted = |code: &str, status| (code.to_owned(), status);
        assert_eq!(told(Protocol::Query("urn:x")), wanted("InvalidClientTokenId", 403));
        assert_eq!(told(Protocol::Ec2), wanted("AuthFailure", 401));
        assert_eq!(told(Protocol::Json("Keys")), wanted("UnrecognizedClientException", 400));
        assert_eq!(told(Protocol::Rest), wanted("UnrecognizedClientException", 403));
    }
}
