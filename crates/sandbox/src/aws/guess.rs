//! Which service a request is for: as its signature says, else by its form.
use super::signature::Signature;
use crate::server::Request;

/// Returns the service that a request is for. Nobody but its signature says so for certain, but
/// who forgot that can be told so in the protocol that they speak.
pub(super) fn service<'a>(request: &Request, signature: Option<&'a Signature>) -> &'a str {
    if let Some(signature) = signature {
        return &signature.service;
    }
    let target = request.header("x-amz-target").unwrap_or_default();
    match target.split('.').next().unwrap_or_default() {
        "TrentService" => return "kms",
        "Logs_20140328" => return "logs",
        _ => {}
    }
    let form = request.header("content-type").unwrap_or_default();
    let is_form = form.starts_with("application/x-www-form-urlencoded");
    if request.path != "/" || !(is_form || request.query.contains("Action=")) {
        return "eks";
    }
    let said = match is_form {
        true => request.body.as_slice(),
        false => request.query.as_bytes(),
    };
    let mut members = form_urlencoded::parse(said);
    let version = members.find(|(name, _)| name == "Version").map(|(_, value)| value);
    match version.as_deref().unwrap_or_default() {
        "2016-11-15" => "ec2",
        "2010-05-08" => "iam",
        "2011-01-01" => "autoscaling",
        "2012-06-01" | "2015-12-01" => "elasticloadbalancing",
        _ => "sts",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(path: &str, header: (&str, &str), body: &str) -> Request {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        Request {
            method: "POST".to_owned(),
            target: path.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: vec![(header.0.to_owned(), header.1.to_owned())],
            body: body.into(),
        }
    }

    #[test]
    fn the_form_of_a_request_tells_its_service() {
        let form = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
        let json = ("content-type", "application/x-amz-json-1.1");
        for (request, wanted) in [
            (request("/", ("x-amz-target", "TrentService.ListKeys"), "{}"), "kms"),
            (request("/", ("x-amz-target", "Logs_20140328.DescribeLogGroups"), "{}"), "logs"),
            (request("/clusters/acme", json, ""), "eks"),
            (request("/", form, "Action=DescribeVpcs&Version=2016-11-15"), "ec2"),
            (request("/", form, "Version=2010-05-08&Action=GetRole"), "iam"),
            (request("/?Action=GetCallerIdentity&Version=2011-06-15", json, ""), "sts"),
        ] {
            assert_eq!(service(&request, None), wanted);
        }
    }
}
