//! What every AWS resource shares: the clients, how answers are read, and tags.
use crate::wire::explained;
use aws_config::SdkConfig;
use aws_sdk_ec2::config::http::HttpResponse;
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ec2::operation::RequestId;
use aws_sdk_ec2::types::{Filter, ResourceType, Tag, TagSpecification};
use provision_core::{
    ADDRESS_MARK, CLUSTER_MARK, Cx, Diff, Error, Input, Kind, Live, Marks, Owner, Phase, Resource,
    Result, Started,
};
use provision_spec::Volumes;
use std::collections::BTreeMap;

pub(crate) use crate::classify::classify;

/// The clients of one account and region. None of them retries.
pub struct Aws {
    pub(crate) autoscaling: aws_sdk_autoscaling::Client,
    pub(crate) ec2: aws_sdk_ec2::Client,
    pub(crate) eks: aws_sdk_eks::Client,
    pub(crate) iam: aws_sdk_iam::Client,
    pub(crate) kms: aws_sdk_kms::Client,
    pub(crate) logs: aws_sdk_cloudwatchlogs::Client,
    pub(crate) elb: aws_sdk_elasticloadbalancing::Client,
    pub(crate) elbv2: aws_sdk_elasticloadbalancingv2::Client,
    pub(crate) account: String,
    pub(crate) partition: String,
    pub(crate) region: String,
    /// Whether everything is to be removed, and then what becomes of volumes.
    pub(crate) removal: Option<Volumes>,
}

/// Where each service answers, when not at the vendor's own address.
#[derive(Clone, Debug, Default)]
pub(crate) struct Endpoints(pub(crate) BTreeMap<&'static str, String>);

/// Makes a service's client with its own endpoint, and a log line for each of its calls.
macro_rules! client {
    ($service:ident, $config:expr, $endpoints:expr, $name:literal) => {{
        let config = $service::config::Builder::from($config).interceptor($crate::calls::Log);
        let config = match $endpoints.0.get($name) {
            Some(url) => config.endpoint_url(url),
            None => config,
        };
        $service::Client::from_conf(config.build())
    }};
}
pub(crate) use client;

impl Aws {
    pub(crate) fn new(
        config: &SdkConfig,
        endpoints: &Endpoints,
        account: &str,
        partition: &str,
    ) -> Self {
        Self {
            autoscaling: client!(aws_sdk_autoscaling, config, endpoints, "AUTOSCALING"),
            ec2: client!(aws_sdk_ec2, config, endpoints, "EC2"),
            eks: client!(aws_sdk_eks, config, endpoints, "EKS"),
            iam: client!(aws_sdk_iam, config, endpoints, "IAM"),
            kms: client!(aws_sdk_kms, config, endpoints, "KMS"),
            logs: client!(aws_sdk_cloudwatchlogs, config, endpoints, "LOGS"),
            elb: client!(aws_sdk_elasticloadbalancing, config, endpoints, "ELB"),
            elbv2: client!(aws_sdk_elasticloadbalancingv2, config, endpoints, "ELBV2"),
            account: account.to_owned(),
            partition: partition.to_owned(),
            region: config.region().map(ToString::to_string).unwrap_or_default(),
            removal: None,
        }
    }
}

/// Reads what a service answered. The operation is written as IAM writes it.
pub(crate) trait Reply<T> {
    /// Turns a failure into our error.
    fn reply(self, operation: &str) -> Result<T>;
    /// Takes absence for an answer.
    fn found(self, operation: &str) -> Result<Option<T>>;
    /// Takes for absence also that the cluster around it is still being made.
    fn inside(self, operation: &str) -> Result<Option<T>>
    where
        Self: Sized,
    {
        match self.found(operation) {
            Err(error) if error.kind == Kind::Blocked => Ok(None),
            found => found,
        }
    }
    /// Takes absence for success, as a delete does.
    fn gone<O>(self, operation: &str) -> Result<Started<O>>
    where
        Self: Sized,
    {
        self.found(operation).map(|_| Started::done())
    }
    /// Takes what was done before for success.
    fn already<O>(self, operation: &str) -> Result<Started<O>>;
}

impl<T, E> Reply<T> for Result<T, SdkError<E>>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    fn reply(self, operation: &str) -> Result<T> {
        self.map_err(|error| failed(operation, &error))
    }

    fn found(self, operation: &str) -> Result<Option<T>> {
        match self {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if is_absence(error.code(), error.message()) => Ok(None),
            Err(error) => Err(failed(operation, &error)),
        }
    }

    fn already<O>(self, operation: &str) -> Result<Started<O>> {
        match self.reply(operation) {
            Err(error) if error.kind != Kind::Exists => Err(error),
            _ => Ok(Started::done()),
        }
    }
}

/// Returns the status of an answer that is not the service's own, such as an HTML page.
pub(crate) fn foreign_status<E>(error: &SdkError<E>) -> Option<u16>
where
    E: ProvideErrorMetadata,
{
    let status = |answer: &HttpResponse| answer.status().as_u16();
    error.raw_response().map(status).filter(|_| error.code().is_none())
}

/// Turns an SDK error into ours.
pub(crate) fn failed<E>(operation: &str, error: &SdkError<E>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    if let Some(sooner) = sources(error).find_map(|source| source.downcast_ref::<Error>()) {
        // The session that it was to be signed with could not be begun.
        return sooner.clone();
    }
    let causes = explained(without_layers(&causes(error)).to_owned());
    let status = error.raw_response().map(|answer| answer.status().as_u16());
    let code = error.code().filter(|code| !code.is_empty());
    let kind = match (error, code) {
        (_, Some(code)) => classify(operation, code, error.message().unwrap_or_default(), status),
        (SdkError::TimeoutError(_), None) => Kind::Retry,
        (SdkError::DispatchFailure(_) | SdkError::ConstructionFailure(_), None)
            if causes.to_ascii_lowercase().contains("credential") =>
        {
            Kind::Auth
        }
        (SdkError::DispatchFailure(_), None) => Kind::Retry,
        (SdkError::ResponseError(_) | SdkError::ServiceError(_), None) => match status {
            Some(400..=428 | 430..=499) => Kind::Invalid,
            _ => Kind::Retry,
        },
        _ => Kind::Invalid,
    };
    Error {
        kind,
        operation: Some(operation.to_owned()),
        code: code.map(str::to_owned),
        message: match (error.message(), status) {
            (Some(message), _) => without_signature(message).to_owned(),
            (None, Some(status)) if code.is_none() => format!("answered {status}: {causes}"),
            _ => causes,
        },
        request_id: error.request_id().map(str::to_owned),
        hint: None,
    }
}

/// Cuts off the layers of the SDK that a call went through and that say nothing.
fn without_layers(causes: &str) -> &str {
    let layers = ["dispatch failure: ", "io error: ", "client error (Connect): "];
    layers.iter().fold(causes, |rest, layer| rest.strip_prefix(layer).unwrap_or(rest))
}

/// Cuts off what a refused signature was made of: it holds the session token.
fn without_signature(message: &str) -> &str {
    message.split("The Canonical String").next().unwrap_or_default().trim_end()
}

/// Joins an error's sources on one line, the outermost first, each once.
pub(crate) fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut all: Vec<_> = sources(error).map(ToString::to_string).collect();
    all.dedup();
    all.join(": ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns an error and what it came from, the outermost first.
pub(crate) fn sources<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}

/// Tells whether an error says that the object asked about does not exist.
fn is_absence(code: Option<&str>, message: Option<&str>) -> bool {
    let Some(code) = code else { return false };
    code.ends_with(".NotFound")
        || code.ends_with(".VersionNotFound")
        || code.ends_with("NotFoundException")
        || matches!(
            code,
            "NatGatewayNotFound"
                | "NoSuchEntity"
                | "Gateway.NotAttached"
                | "LoadBalancerNotFound"
                | "TargetGroupNotFound"
        )
        || (code == "ClientException"
            && message.is_some_and(|message| message.contains("No cluster found")))
}

/// Tags, or labels, by key.
pub(crate) type Tags = BTreeMap<String, String>;

/// Drops the tags that AWS keeps for itself and nobody else can set.
pub(crate) fn own(tags: impl IntoIterator<Item = (String, String)>) -> Tags {
    tags.into_iter().filter(|(key, _)| !key.starts_with("aws:")).collect()
}

/// Reads EC2's notation of tags.
pub(crate) fn ec2_tags(tags: Option<Vec<Tag>>) -> Tags {
    let pair = |tag: Tag| Some((tag.key?, tag.value.unwrap_or_default()));
    own(tags.into_iter().flatten().filter_map(pair))
}

/// Writes tags for an EC2 create call.
pub(crate) fn specify(kind: ResourceType, tags: &Tags) -> TagSpecification {
    let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
    let tags = tags.iter().map(tag).collect();
    TagSpecification::builder().resource_type(kind).set_tags(Some(tags)).build()
}

/// Changes the tags of an EC2 object with one call: first sets, then removes.
pub(crate) async fn retag<O>(aws: &Aws, id: &str, diff: &Diff) -> Result<Started<O>> {
    let change = diff.tags("tags");
    if change.set.is_empty() {
        let keys = change.remove.iter().map(|key| Tag::builder().key(key).build()).collect();
        let call = aws.ec2.delete_tags().resources(id).set_tags(Some(keys));
        return call.send().await.reply("ec2:DeleteTags").map(|_| Started::done());
    }
    let tag = |(key, value)| Tag::builder().key(key).value(value).build();
    let tags = change.set.into_iter().map(tag).collect();
    let call = aws.ec2.create_tags().resources(id).set_tags(Some(tags));
    call.send().await.reply("ec2:CreateTags").map(|_| Started::done())
}

/// Changes the tags of an EKS object with one call: first sets, then removes.
pub(crate) async fn retag_eks<O>(aws: &Aws, arn: &str, diff: &Diff) -> Result<Started<O>> {
    let change = diff.tags("tags");
    if change.set.is_empty() {
        let call = aws.eks.untag_resource().resource_arn(arn).set_tag_keys(Some(change.remove));
        return call.send().await.reply("eks:UntagResource").map(|_| Started::done());
    }
    let tags = change.set.into_iter().collect();
    let call = aws.eks.tag_resource().resource_arn(arn).set_tags(Some(tags));
    call.send().await.reply("eks:TagResource").map(|_| Started::done())
}

/// Makes a filter that takes one value.
pub(crate) fn filter(name: impl Into<String>, value: &str) -> Filter {
    Filter::builder().name(name).values(value).build()
}

/// Selects everything that carries our cluster's name.
pub(crate) fn of_cluster(marks: &Marks) -> Vec<Filter> {
    vec![filter(format!("tag:{CLUSTER_MARK}"), &marks.cluster)]
}

/// Selects what carries our cluster's name and the address.
pub(crate) fn of_object(cx: &Cx<'_, Aws>) -> Vec<Filter> {
    let mut filters = of_cluster(cx.marks());
    filters.push(filter(format!("tag:{ADDRESS_MARK}"), cx.address().as_str()));
    filters
}

/// Selects the object with a known id, or else what carries its marks.
pub(crate) fn with_id(cx: &Cx<'_, Aws>, field: &str, id: Option<&str>) -> Vec<Filter> {
    id.map_or_else(|| of_object(cx), |id| vec![filter(field, id)])
}

/// Tells whether tags are those of our cluster, whatever its lineage.
pub(crate) fn is_of_cluster(marks: &Marks, tags: &Tags) -> bool {
    tags.get(CLUSTER_MARK) == Some(&marks.cluster)
}

/// Tells whether tags are those of our cluster and of the address, whatever their lineage.
pub(crate) fn is_of_object(cx: &Cx<'_, Aws>, tags: &Tags) -> bool {
    let address = tags.get(ADDRESS_MARK).map(String::as_str);
    is_of_cluster(cx.marks(), tags) && address == Some(cx.address().as_str())
}

/// Chooses the object that is ours, or else any.
pub(crate) fn pick<R: Resource>(mut found: Vec<Live<R>>) -> Option<Live<R>> {
    let ours = found.iter().position(|live| live.owner == Owner::Ours);
    (!found.is_empty()).then(|| found.swap_remove(ours.unwrap_or(0)))
}

/// Makes a [`Live`] of an object that carries `tags`, which go into its spec.
pub(crate) fn owned<R: Resource>(
    marks: &Marks,
    tags: Tags,
    phase: Phase,
    outputs: R::Outputs,
    spec: impl FnOnce(Tags) -> R,
) -> Live<R> {
    let (address, owner) = (Marks::address(&tags), marks.owner(&tags));
    Live { address, spec: spec(tags), outputs, phase, owner, unobserved: &[] }
}

/// Says that EC2 gave something up, in its words where it has any.
pub(crate) fn given_up(words: Option<String>) -> Error {
    let words = words.filter(|words| !words.is_empty());
    Error::invalid(words.unwrap_or_else(|| "EC2 reports it as failed".to_owned()))
        .hint("mend what EC2 names, if anything, and run the same command again: it is made anew")
}

/// Makes a [`Live`] of a part of something that is ours.
pub(crate) fn inherited<R: Resource>(phase: Phase, outputs: R::Outputs, spec: R) -> Live<R> {
    Live { address: None, spec, outputs, phase, owner: Owner::Inherited, unobserved: &[] }
}

/// Takes an id that a reply holds, empty if it does not.
pub(crate) fn known(id: Option<String>) -> Input<String> {
    Input::Known(id.unwrap_or_default())
}

/// Takes the ids that a reply holds.
pub(crate) fn all_known(ids: Option<Vec<String>>) -> Vec<Input<String>> {
    ids.into_iter().flatten().map(Input::Known).collect()
}

/// Returns the values of inputs.
pub(crate) fn values(inputs: &[Input<String>]) -> Result<Vec<String>> {
    inputs.iter().map(|input| input.get().cloned()).collect()
}

/// Says how to find what keeps a network or subnet from going, which the filter of that name does.
pub(crate) fn occupied(error: Error, aws: &Aws, filter: &str, id: &str) -> Error {
    if error.kind != Kind::Blocked {
        return error;
    }
    let kinds: &[&str] = match filter {
        "vpc-id" => &["subnets", "security-groups", "network-interfaces"],
        _ => &["network-interfaces"],
    };
    let region = &aws.region;
    let commands = kinds.iter().map(|kind| {
        format!("`aws ec2 describe-{kind} --region {region} --filters Name={filter},Values={id}`")
    });
    error.hint(format!(
        "something is still in {id}; to find it: {}. What is not of this cluster is for its owner to \
         remove; the same command goes on with the rest",
        commands.collect::<Vec<_>>().join(", ")
    ))
}

/// Complains about a reply without what AWS always tells.
pub(crate) fn missing(operation: &str, what: &str) -> Error {
    let mut error = Error::new(Kind::Retry, format!("the answer holds no {what}"));
    error.operation = Some(operation.to_owned());
    error
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use provision_core::LINEAGE_MARK;

    /// Marks of a cluster `acme` with lineage `l1`.
    pub(crate) fn marks() -> Marks {
        Marks { lineage: Some("l1".into()), cluster: "acme".into() }
    }

    /// Tags that make an object ours at `address`.
    pub(crate) fn ours(address: &str) -> Vec<(String, String)> {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        vec![pair(LINEAGE_MARK, "l1"), pair(CLUSTER_MARK, "acme"), pair(ADDRESS_MARK, address)]
    }

    /// The same in EC2's notation.
    pub(crate) fn ours_ec2(address: &str) -> Option<Vec<Tag>> {
        let tag = |(key, value)| Tag::builder().key(key).value(value).build();
        Some(ours(address).into_iter().map(tag).collect())
    }

    #[test]
    fn absence_is_told_by_many_codes() {
        for code in [
            "InvalidVpcID.NotFound",
            "NatGatewayNotFound",
            "InvalidLaunchTemplateName.NotFoundException",
            "ResourceNotFoundException",
            "NotFoundException",
            "NoSuchEntity",
        ] {
            assert!(is_absence(Some(code), None), "{code}");
        }
        assert!(is_absence(Some("ClientException"), Some("No cluster found for name: acme.")));
        assert!(!is_absence(Some("ClientException"), Some("no such thing")));
        assert!(!is_absence(None, Some("not found")));
    }

    #[test]
    fn a_refused_signature_is_told_without_the_session_token() {
        let told = "The signature does not match. Check your AWS Secret Access Key.";
        let canonical = "The Canonical String for this request should have been\n'POST\n/\n\n\
                         x-amz-security-token:token\n\n'";
        assert_eq!(without_signature(&format!("{told}\n\n{canonical}")), told);
        assert_eq!(without_signature(told), told);
    }

    #[test]
    fn tags_of_aws_are_left_out() {
        let tags = own([("aws:cloudformation".into(), "x".into()), ("team".into(), "a".into())]);
        assert_eq!(tags.into_keys().collect::<Vec<_>>(), ["team"]);
    }
}
