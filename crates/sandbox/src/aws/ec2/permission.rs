//! What a security group lets through: as requests say it, as rules, and as groups show it.
use super::super::Refusal;
use super::noun::invalid;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// One or more rules for the same protocol and ports, as requests say them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Permission {
    pub(super) ip_protocol: Option<String>,
    pub(super) from_port: Option<i64>,
    pub(super) to_port: Option<i64>,
    #[serde(default)]
    pub(super) groups: Vec<GroupPair>,
    #[serde(default)]
    pub(super) ip_ranges: Vec<Range>,
    #[serde(default)]
    pub(super) ipv6_ranges: Vec<Range6>,
    #[serde(default)]
    pub(super) prefix_list_ids: Vec<PrefixList>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct GroupPair {
    pub(super) group_id: String,
    pub(super) user_id: Option<String>,
    pub(super) description: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Range {
    pub(super) cidr_ip: String,
    pub(super) description: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Range6 {
    cidr_ipv6: String,
    description: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct PrefixList {
    prefix_list_id: String,
    description: Option<String>,
}

/// Whom a rule is about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Peer {
    V4(String),
    V6(String),
    List(String),
    /// A security group, and whose it is.
    Group(String, String),
}

/// One rule.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Rule {
    pub(super) protocol: String,
    pub(super) ports: (i64, i64),
    pub(super) peer: Peer,
}

impl Permission {
    /// Returns its rules, each with its description.
    ///
    /// # Errors
    /// When protocol, ports or addresses are none.
    pub(super) fn rules(&self, account: &str) -> Result<Vec<(Rule, Option<String>)>, Refusal> {
        let (protocol, ports) = (self.protocol()?, self.ports()?);
        let mut peers = Vec::new();
        for range in &self.ip_ranges {
            let net: Result<ipnet::Ipv4Net, _> = range.cidr_ip.parse();
            let wrong = |_| invalid(format!("CIDR block {} is malformed", range.cidr_ip));
            let net = net.map_err(wrong)?.trunc();
            peers.push((Peer::V4(net.to_string()), &range.description));
        }
        for range in &self.ipv6_ranges {
            let net: Result<ipnet::Ipv6Net, _> = range.cidr_ipv6.parse();
            let wrong = |_| invalid(format!("CIDR block {} is malformed", range.cidr_ipv6));
            peers.push((Peer::V6(net.map_err(wrong)?.trunc().to_string()), &range.description));
        }
        for list in &self.prefix_list_ids {
            peers.push((Peer::List(list.prefix_list_id.clone()), &list.description));
        }
        for pair in &self.groups {
            let owner = pair.user_id.as_deref().unwrap_or(account).to_owned();
            peers.push((Peer::Group(pair.group_id.clone(), owner), &pair.description));
        }
        if peers.is_empty() {
            let message = "The request must contain at least one source or destination";
            return Err(Refusal::new("MissingParameter", message));
        }
        let rule = |(peer, description): (Peer, &Option<String>)| {
            (Rule { protocol: protocol.clone(), ports, peer }, description.clone())
        };
        Ok(peers.into_iter().map(rule).collect())
    }

    fn protocol(&self) -> Result<String, Refusal> {
        let missing = || {
            let message = "The request must contain the parameter ipProtocol";
            Refusal::new("MissingParameter", message)
        };
        let protocol = self.ip_protocol.as_deref().ok_or_else(missing)?.to_ascii_lowercase();
        let name = match protocol.as_str() {
            "tcp" | "6" => "tcp",
            "udp" | "17" => "udp",
            "icmp" | "1" => "icmp",
            "icmpv6" | "58" => "icmpv6",
            "-1" | "all" => "-1",
            number if number.parse::<u8>().is_ok() => number,
            other => {
                return Err(invalid(format!(
                    "Invalid value '{other}' for IP protocol. Unknown protocol."
                )));
            }
        };
        Ok(name.to_owned())
    }

    fn ports(&self) -> Result<(i64, i64), Refusal> {
        let (from, to) = (self.from_port, self.to_port);
        match self.protocol()?.as_str() {
            "-1" => Ok((-1, -1)),
            "tcp" | "udp" => match (from, to) {
                (Some(from), Some(to))
                    if (0..=65535).contains(&from) && (from..=65535).contains(&to) =>
                {
                    Ok((from, to))
                }
                (Some(from), Some(to)) => {
                    Err(invalid(format!("Invalid TCP/UDP port range ({from}:{to})")))
                }
                _ => Err(invalid(
                    "Invalid value 'Must specify both from and to ports with TCP/UDP.' for \
                     portRange.",
                )),
            },
            _ => Ok((from.unwrap_or(-1), to.unwrap_or(-1))),
        }
    }
}

impl Rule {
    /// Shows it as a rule by itself.
    pub(super) fn shown(&self) -> Map<String, Value> {
        let mut body = super::noun::members(json!({
            "ipProtocol": self.protocol,
            "fromPort": self.ports.0,
            "toPort": self.ports.1,
        }));
        let (field, value) = match &self.peer {
            Peer::V4(net) => ("cidrIpv4", json!(net)),
            Peer::V6(net) => ("cidrIpv6", json!(net)),
            Peer::List(id) => ("prefixListId", json!(id)),
            Peer::Group(id, owner) => {
                ("referencedGroupInfo", json!({ "groupId": id, "userId": owner }))
            }
        };
        body.insert(field.to_owned(), value);
        body
    }

    /// Reads it from the body of a rule.
    pub(super) fn of(body: &Map<String, Value>) -> Option<Self> {
        let text = |field: &str| body.get(field).and_then(Value::as_str).map(str::to_owned);
        let port = |field: &str| body.get(field).and_then(Value::as_i64).unwrap_or(-1);
        let group = || {
            let group = body.get("referencedGroupInfo")?;
            let text = |field: &str| group[field].as_str().map(str::to_owned);
            Some(Peer::Group(text("groupId")?, text("userId")?))
        };
        let peer = text("cidrIpv4").map(Peer::V4).or_else(|| text("cidrIpv6").map(Peer::V6));
        let peer = peer.or_else(|| text("prefixListId").map(Peer::List)).or_else(group)?;
        let ports = (port("fromPort"), port("toPort"));
        Some(Self { protocol: text("ipProtocol")?, ports, peer })
    }

    /// Says it as errors do.
    pub(super) fn words(&self) -> String {
        let peer = match &self.peer {
            Peer::V4(net) | Peer::V6(net) => net,
            Peer::List(id) | Peer::Group(id, _) => id,
        };
        let protocol = match self.protocol.as_str() {
            "-1" => "ALL".to_owned(),
            name => name.to_uppercase(),
        };
        let (from, to) = self.ports;
        format!("peer: {peer}, {protocol}, from port: {from}, to port: {to}, ALLOW")
    }
}

/// Shows rules as their security group does: those with the same protocol and ports together.
pub(super) fn together(rules: &[(Rule, Option<String>)]) -> Value {
    let mut sets: Vec<(&str, (i64, i64), Value)> = Vec::new();
    for (rule, description) in rules {
        let at = sets
            .iter()
            .position(|(protocol, ports, _)| *protocol == rule.protocol && *ports == rule.ports);
        let at = at.unwrap_or_else(|| {
            let mut set = json!({
                "ipProtocol": rule.protocol,
                "groups": [],
                "ipRanges": [],
                "ipv6Ranges": [],
                "prefixListIds": [],
            });
            if rule.protocol != "-1" {
                (set["fromPort"], set["toPort"]) = (json!(rule.ports.0), json!(rule.ports.1));
            }
            sets.push((&rule.protocol, rule.ports, set));
            sets.len() - 1
        });
        let (field, mut item) = match &rule.peer {
            Peer::V4(net) => ("ipRanges", json!({ "cidrIp": net })),
            Peer::V6(net) => ("ipv6Ranges", json!({ "cidrIpv6": net })),
            Peer::List(id) => ("prefixListIds", json!({ "prefixListId": id })),
            Peer::Group(id, owner) => ("groups", json!({ "groupId": id, "userId": owner })),
        };
        if let Some(description) = description {
            item["description"] = json!(description);
        }
        if let Some(items) = sets[at].2[field].as_array_mut() {
            items.push(item);
        }
    }
    sets.into_iter().map(|(_, _, set)| set).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permission(protocol: &str, ports: Option<(i64, i64)>, cidr: &str) -> Permission {
        Permission {
            ip_protocol: Some(protocol.into()),
            from_port: ports.map(|ports| ports.0),
            to_port: ports.map(|ports| ports.1),
            ip_ranges: vec![Range { cidr_ip: cidr.into(), description: None }],
            ..Permission::default()
        }
    }

    #[test]
    fn a_permission_becomes_rules_in_one_form() {
        let rules = permission("6", Some((443, 443)), "10.0.0.1/8").rules("1").unwrap();
        let rule = &rules[0].0;
        assert_eq!((rule.protocol.as_str(), rule.ports), ("tcp", (443, 443)));
        assert_eq!(rule.peer, Peer::V4("10.0.0.0/8".into()));
        assert_eq!(Rule::of(&rule.shown()).as_ref(), Some(rule));
        assert_eq!(rule.words(), "peer: 10.0.0.0/8, TCP, from port: 443, to port: 443, ALLOW");
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        for wrong in [
            permission("tcp", None, "10.0.0.0/8"),
            permission("tcp", Some((10, 9)), "10.0.0.0/8"),
            permission("tcp", Some((1, 2)), "10.0.0.0/33"),
            permission("xyz", None, "10.0.0.0/8"),
            Permission { ip_protocol: Some("-1".into()), ..Permission::default() },
        ] {
            assert!(wrong.rules("1").is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn rules_for_the_same_ports_are_shown_together() {
        let mut rules = permission("tcp", Some((80, 80)), "10.0.0.0/8").rules("1").unwrap();
        rules.extend(permission("tcp", Some((80, 80)), "11.0.0.0/8").rules("1").unwrap());
        rules.extend(permission("-1", None, "12.0.0.0/8").rules("1").unwrap());
        let shown = together(&rules);
        assert_eq!(shown[0]["ipRanges"].as_array().unwrap().len(), 2);
        assert_eq!(shown[0]["fromPort"], 80);
        assert!(shown[1].get("fromPort").is_none() && shown.as_array().unwrap().len() == 2);
    }
}
