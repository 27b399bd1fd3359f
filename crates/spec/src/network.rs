//! The `network` part of a cluster file, and where subnets lie in it.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};

use crate::check;
use crate::cluster::ProviderName;
use crate::fields::{Field, Fields};

/// The `network` of a cluster file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// Sets the addresses: private, and between /16 and /20.
    pub cidr: Ipv4Net,
    /// Says over which zones the cluster spreads.
    pub zones: Zones,
    /// Says how private nodes reach the internet.
    pub nat: Nat,
}

/// The zones of a cluster, 2 to 6.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Zones {
    /// So many, chosen once among those of the region.
    Count(u8),
    /// These, in the order of their subnets' slots.
    Names(Vec<String>),
}

/// How private nodes reach the internet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nat {
    /// Through one gateway.
    Single,
    /// Through a gateway in each zone.
    PerZone,
    /// Not at all.
    None,
}

impl Nat {
    /// Lists the words of the cluster file.
    pub(crate) const WORDS: [(&str, Self); 3] =
        [("single", Self::Single), ("per-zone", Self::PerZone), ("none", Self::None)];
}

impl Default for Network {
    fn default() -> Self {
        let cidr = Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 0), 16);
        Self { cidr, zones: Zones::Count(3), nat: Nat::Single }
    }
}

/// Where the subnets of a network lie: by slot, so that another zone never moves the others.
///
/// A slot is the position of a zone among the recorded ones, from 0. In a /16 the private subnets
/// are /20 from the beginning and the public ones /24 in the last /20; in a smaller network both
/// are smaller by as much. Nine /20 between them stay free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    cidr: Ipv4Net,
}

impl Layout {
    /// Counts the slots, one for each zone that a cluster can have.
    pub const SLOTS: u8 = 6;
    /// The largest and the smallest network that can be laid out, by prefix length.
    pub const PREFIXES: std::ops::RangeInclusive<u8> = 16..=20;

    /// Lays out a network; `None` when its prefix is not among [`Layout::PREFIXES`].
    #[must_use]
    pub fn new(cidr: Ipv4Net) -> Option<Self> {
        Self::PREFIXES.contains(&cidr.prefix_len()).then_some(Self { cidr: cidr.trunc() })
    }

    /// Gives the private subnet of a slot; `None` beyond the last slot.
    #[must_use]
    pub fn private(&self, slot: usize) -> Option<Ipv4Net> {
        self.nth(4, slot, 0)
    }

    /// Gives the public subnet of a slot; `None` beyond the last slot.
    #[must_use]
    pub fn public(&self, slot: usize) -> Option<Ipv4Net> {
        self.nth(8, slot, 240)
    }

    fn nth(&self, longer: u8, slot: usize, first: usize) -> Option<Ipv4Net> {
        let mut subnets = self.cidr.subnets(self.cidr.prefix_len() + longer).ok()?;
        (slot < usize::from(Self::SLOTS)).then(|| subnets.nth(first + slot)).flatten()
    }
}

impl Network {
    pub(crate) fn read(
        root: &Fields<'_>,
        provider: Option<ProviderName>,
        region: Option<&str>,
    ) -> Self {
        let mut read = Self::default();
        let names = ["cidr", "zones", "nat"];
        let Some(fields) = root.optional("network").and_then(|field| field.fields(&names)) else {
            return read;
        };
        if let Some(cidr) = fields.optional("cidr").and_then(|field| field.parse(private_net)) {
            read.cidr = cidr;
        }
        if let Some(zones) =
            fields.optional("zones").and_then(|field| zones(&field, provider, region))
        {
            read.zones = zones;
        }
        if let Some(nat) = fields.optional("nat").and_then(|field| field.choice(&Nat::WORDS)) {
            read.nat = nat;
        }
        read
    }
}

fn zones(field: &Field<'_>, provider: Option<ProviderName>, region: Option<&str>) -> Option<Zones> {
    let most = Layout::SLOTS;
    if let crate::tree::Value::Scalar(scalar) = &field.node().value
        && !scalar.text.starts_with(|c: char| c.is_ascii_alphabetic() && scalar.plain)
    {
        let count = field.whole(2..=u32::from(most))?;
        return Some(Zones::Count(u8::try_from(count).unwrap_or(most)));
    }
    let names = check::zone_names(field, provider, region)?;
    if !(2..=usize::from(most)).contains(&names.len()) {
        let message = format!("must name 2 to {most} zones, found {}", names.len());
        let hint = "write a count, such as `zones: 3`, or as many names".to_owned();
        field.refuse("file.out-of-range", message, Some(hint));
        return None;
    }
    Some(Zones::Names(names))
}

type Refusal = (String, Option<String>);

const PRIVATE_HINT: &str =
    "use a part of 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 100.64.0.0/10";

/// Accepts any network without host bits.
pub(crate) fn any_net(text: &str) -> Result<IpNet, Refusal> {
    let wanted = || "must be a network such as 203.0.113.0/24".to_owned();
    if let Ok(address) = text.parse::<IpAddr>() {
        let hint = format!("for one address write `{}`", IpNet::from(address));
        return Err((wanted(), Some(hint)));
    }
    let net = text.parse::<IpNet>().map_err(|_| {
        (wanted(), Some("write an address, `/`, and how many of its bits are fixed".to_owned()))
    })?;
    if net != net.trunc() {
        let message = format!("must not have bits set beyond /{}", net.prefix_len());
        return Err((message, Some(format!("write `{}`", net.trunc()))));
    }
    Ok(net)
}

fn private_net(text: &str) -> Result<Ipv4Net, Refusal> {
    const PRIVATE: [(Ipv4Addr, u8); 4] = [
        (Ipv4Addr::new(10, 0, 0, 0), 8),
        (Ipv4Addr::new(172, 16, 0, 0), 12),
        (Ipv4Addr::new(192, 168, 0, 0), 16),
        (Ipv4Addr::new(100, 64, 0, 0), 10),
    ];
    let IpNet::V4(net) = any_net(text)? else {
        return Err(("must be an IPv4 network".to_owned(), Some(PRIVATE_HINT.to_owned())));
    };
    let private = |(address, prefix)| Ipv4Net::new_assert(address, prefix).contains(&net);
    if !PRIVATE.into_iter().any(private) {
        return Err(("must be a private network".to_owned(), Some(PRIVATE_HINT.to_owned())));
    }
    if Layout::new(net).is_none() {
        let (largest, smallest) = (Layout::PREFIXES.start(), Layout::PREFIXES.end());
        let size = net.prefix_len().clamp(*largest, *smallest);
        let hint =
            Ipv4Net::new(net.addr(), size).ok().map(|net| format!("write `{}`", net.trunc()));
        return Err((format!("must be between /{largest} and /{smallest}"), hint));
    }
    Ok(net)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(cidr: &str) -> Layout {
        Layout::new(cidr.parse().unwrap()).unwrap()
    }

    #[test]
    fn places_subnets_by_slot() {
        for (cidr, slot, private, public) in [
            ("10.0.0.0/16", 0, "10.0.0.0/20", "10.0.240.0/24"),
            ("10.0.0.0/16", 2, "10.0.32.0/20", "10.0.242.0/24"),
            ("10.0.0.0/16", 5, "10.0.80.0/20", "10.0.245.0/24"),
            ("10.1.128.0/17", 1, "10.1.136.0/21", "10.1.248.128/25"),
            ("172.16.16.0/20", 5, "172.16.21.0/24", "172.16.31.80/28"),
        ] {
            let layout = layout(cidr);
            assert_eq!(layout.private(slot).unwrap().to_string(), private);
            assert_eq!(layout.public(slot).unwrap().to_string(), public);
        }
        assert_eq!(layout("10.0.0.0/16").private(6), None);
        assert_eq!(layout("10.0.0.0/16").public(usize::MAX), None);
        assert_eq!(Layout::new("10.0.0.0/21".parse().unwrap()), None);
        assert_eq!(Layout::new("10.0.0.0/15".parse().unwrap()), None);
    }

    #[test]
    fn subnets_lie_inside_and_apart() {
        for prefix in Layout::PREFIXES {
            let cidr = Ipv4Net::new_assert(Ipv4Addr::new(10, 240, 0, 0), prefix);
            let layout = Layout::new(cidr).unwrap();
            let slots = 0..usize::from(Layout::SLOTS);
            let all: Vec<Ipv4Net> = slots
                .flat_map(|slot| [layout.private(slot).unwrap(), layout.public(slot).unwrap()])
                .collect();
            for (position, one) in all.iter().enumerate() {
                assert!(cidr.contains(one));
                for other in &all[position + 1..] {
                    assert!(!one.contains(other) && !other.contains(one), "{one} {other}");
                }
            }
        }
    }

    #[test]
    fn accepts_private_networks_that_can_be_laid_out() {
        for cidr in ["10.0.0.0/16", "172.31.0.0/17", "192.168.0.0/20", "100.64.0.0/16"] {
            assert!(private_net(cidr).is_ok(), "{cidr}");
        }
        let bits = "write an address, `/`, and how many of its bits are fixed";
        for (cidr, hint) in [
            ("10.0.0.0/8", "write `10.0.0.0/16`"),
            ("10.0.0.0/24", "write `10.0.0.0/20`"),
            ("10.0.0.1/16", "write `10.0.0.0/16`"),
            ("10.0.0.0", "for one address write `10.0.0.0/32`"),
            ("fd00::/16", PRIVATE_HINT),
            ("10.0.0.0/33", bits),
            ("network", bits),
        ] {
            assert_eq!(private_net(cidr).unwrap_err().1.as_deref(), Some(hint), "{cidr}");
        }
        assert!(private_net("8.8.0.0/16").unwrap_err().0.contains("private"));
    }
}
