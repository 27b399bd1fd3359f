//! Where the services of AWS answer, and in which world that is.
use crate::aws::Endpoints;
use crate::wire::without_password;
use aws_config::SdkConfig;
use aws_types::service_config::ServiceConfigKey;
use provision_core::{Error, Result, World};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The services, by the names that `PROVISION_ENDPOINT_…` and AWS's own configuration know.
pub(crate) const SERVICES: [(&str, &str); 9] = [
    ("EKS", "EKS"),
    ("EC2", "EC2"),
    ("IAM", "IAM"),
    ("STS", "STS"),
    ("KMS", "KMS"),
    ("LOGS", "CloudWatch Logs"),
    ("ELB", "Elastic Load Balancing"),
    ("ELBV2", "Elastic Load Balancing v2"),
    ("AUTOSCALING", "Auto Scaling"),
];

/// Returns where a client of AWS's own making would look for a service: in the environment, in
/// the profile's section for that service, or in the profile.
fn configured(config: &SdkConfig, service: &str) -> Option<String> {
    let key = ServiceConfigKey::builder().service_id(service);
    let key = key.env("AWS_ENDPOINT_URL").profile("endpoint_url").build().ok()?;
    let own = config.service_config().and_then(|all| all.load_config(key));
    own.or_else(|| config.endpoint_url().map(str::to_owned))
}

/// Finds the services that do not answer at the vendor's own address, and in which world that is.
pub(crate) fn find(
    env: impl Fn(&str) -> Option<String>,
    config: &SdkConfig,
) -> Result<(Endpoints, World)> {
    let mut found = BTreeMap::new();
    for (name, service) in SERVICES {
        let ours = env(&format!("PROVISION_ENDPOINT_{name}"));
        let url = ours.or_else(|| configured(config, service));
        if let Some(url) = url {
            if !["http://", "https://"].iter().any(|scheme| url.starts_with(scheme)) {
                let what = format!("endpoint `{}` of {name} is no URL", without_password(&url));
                return Err(Error::invalid(what).hint(
                    "write it with https://, or with http:// for this machine, or unset it: \
                     AWS_ENDPOINT_URL and its kin, or a profile, name it",
                ));
            }
            let local = is_loopback(&url);
            if url.starts_with("http://") && !local {
                return Err(Error::invalid(format!(
                    "endpoint {} of {name} must be https: plain http is for this machine only",
                    without_password(&url)
                )));
            }
            found.insert(name, (url, local));
        }
    }
    let (here, elsewhere): (Vec<_>, Vec<_>) = SERVICES
        .iter()
        .map(|(name, _)| *name)
        .partition(|name| found.get(name).is_some_and(|(_, local)| *local));
    let world = match (here.is_empty(), elsewhere.is_empty()) {
        (true, _) => World::Vendor,
        (false, true) => World::Loopback,
        (false, false) => {
            return Err(Error::invalid(format!(
                "endpoints of {} are on this machine and those of {} are not: set all of them, \
                 or AWS_ENDPOINT_URL",
                here.join(", "),
                elsewhere.join(", ")
            )));
        }
    };
    let urls = found.into_iter().map(|(name, (url, _))| (name, url)).collect();
    Ok((Endpoints(urls), world))
}

/// Tells whether a URL leads to this machine.
fn is_loopback(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_types::service_config::LoadServiceConfig;

    /// A profile with a section that names addresses of services.
    #[derive(Debug)]
    struct Services(Vec<(&'static str, &'static str)>);

    impl LoadServiceConfig for Services {
        fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
            let mut all = self.0.iter().filter(|(name, _)| *name == key.service_id());
            all.next().map(|(_, url)| (*url).to_owned())
        }
    }

    fn found(set: &[(&str, &str)], common: Option<&str>) -> Result<(Endpoints, World)> {
        let env = |name: &str| {
            set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        let mut config = SdkConfig::builder();
        config.set_endpoint_url(common.map(str::to_owned));
        find(env, &config.build())
    }

    fn of_services(services: &[(&'static str, &'static str)]) -> Result<(Endpoints, World)> {
        let config = SdkConfig::builder().service_config(Services(services.to_vec()));
        find(|_| None, &config.build())
    }

    #[test]
    fn a_section_of_services_is_held_to_the_same_rules() {
        let vpce = "https://vpce-1.eks.us-east-1.vpce.amazonaws.com";
        let (urls, world) = of_services(&[("EKS", vpce)]).unwrap();
        assert_eq!((urls.0["EKS"].as_str(), world), (vpce, World::Vendor));
        let error = of_services(&[("CloudWatch Logs", "http://10.0.0.1")]).unwrap_err();
        assert!(error.message.contains("of LOGS must be https"), "{error}");
        let error = of_services(&[("KMS", "http://127.0.0.1:1")]).unwrap_err();
        assert!(error.message.starts_with("endpoints of KMS are on this machine"), "{error}");
    }

    #[test]
    fn endpoints_on_this_machine_are_another_world() {
        assert_eq!(found(&[], None).unwrap().1, World::Vendor);
        let (urls, world) = found(&[], Some("http://127.0.0.1:5000")).unwrap();
        assert_eq!((urls.0.len(), world), (9, World::Loopback));
        let own = ("PROVISION_ENDPOINT_EKS", "http://[::1]:1");
        let (urls, _) = found(&[own], Some("http://localhost:5000/")).unwrap();
        assert_eq!(urls.0["EKS"], "http://[::1]:1");
    }

    #[test]
    fn half_of_the_endpoints_on_this_machine_is_a_mistake() {
        let error = found(&[("PROVISION_ENDPOINT_EC2", "http://127.0.0.1:1")], None).unwrap_err();
        assert!(error.message.starts_with("endpoints of EC2 are on this machine"), "{error}");
    }

    #[test]
    fn plain_http_stays_on_this_machine() {
        for url in ["http://eks.example.com", "http://127.0.0.1.example.com", "http://10.0.0.1"] {
            assert!(found(&[], Some(url)).unwrap_err().message.contains("must be https"), "{url}");
        }
        let error = found(&[], Some("http://me:s3cret@eks.example.com")).unwrap_err();
        assert!(error.message.starts_with("endpoint http://eks.example.com of"), "{error}");
        assert!(
            is_loopback("http://user@127.0.0.2:80/x") && !is_loopback("http://a@b:80/127.0.0.1")
        );
    }
}
