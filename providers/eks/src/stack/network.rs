//! The network: public and private subnets per zone, and the ways out of it.
use super::Stack;
use crate::names;
use crate::resources::{
    ElasticIp, InternetGateway, NatGateway, Route, RouteTable, RouteTableAssociation, Subnet, Vpc,
    VpcEndpoint,
};
use provision_core::{Error, Handle, Place, Result, out};
use provision_spec::{Layout, Nat};
use std::collections::BTreeMap;

/// Every address there is.
const EVERYWHERE: &str = "0.0.0.0/0";

/// What the rest of the stack needs of the network.
pub(super) struct Networking {
    pub(super) vpc: Handle<Vpc>,
    /// Every subnet.
    pub(super) subnets: Vec<Handle<Subnet>>,
    /// The private subnets by zone.
    pub(super) private: BTreeMap<String, Handle<Subnet>>,
    /// What a node needs on its way to the control plane, by zone.
    pub(super) ways: BTreeMap<String, (Handle<RouteTableAssociation>, Option<Handle<Route>>)>,
}

/// The public side of a network.
struct Public {
    /// The way to the internet.
    route: Handle<Route>,
    /// The subnets by zone, in the order of their slots.
    subnets: Vec<(String, Handle<Subnet>, Handle<RouteTableAssociation>)>,
}

/// The two sides of a network.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Public,
    Private,
}

impl Side {
    fn word(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
        }
    }

    /// The tag by which load balancers find subnets.
    fn role(self) -> &'static str {
        match self {
            Self::Public => "kubernetes.io/role/elb",
            Self::Private => "kubernetes.io/role/internal-elb",
        }
    }
}

impl Stack<'_> {
    pub(super) fn network(&mut self) -> Result<Networking> {
        let vpc = Vpc {
            cidr: self.spec.network.cidr.to_string(),
            dns_support: true,
            dns_hostnames: true,
            tags: names::tags(self.spec, "vpc"),
        };
        let vpc = self.graph.add("vpc", vpc);
        let public = self.public(&vpc)?;
        let gateways = self.nat_gateways(&public);
        let (mut private, mut ways, mut tables) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        for (zone, slot) in self.zones.clone() {
            let subnet = self.subnet(&vpc, Side::Private, &zone, slot)?;
            let table = self.route_table(&vpc, &format!("route-table/private/{zone}"));
            let gateway = gateways.get(&zone).or_else(|| gateways.values().next());
            let route = gateway.map(|gateway| {
                let target = out!(gateway.id);
                let route_table = out!(table.id);
                let route = Route { route_table, destination: EVERYWHERE.into(), target };
                self.graph.add(format!("route/private/{zone}"), route)
            });
            let association = self.associate(Side::Private, &zone, &subnet, &table);
            private.insert(zone.clone(), subnet);
            ways.insert(zone, (association, route));
            tables.push(table);
        }
        self.endpoint(&vpc, &tables);
        let subnets = public.subnets.into_iter().map(|(_, subnet, _)| subnet);
        let subnets = subnets.chain(private.values().cloned()).collect();
        Ok(Networking { vpc, subnets, private, ways })
    }

    /// Adds the public side.
    fn public(&mut self, vpc: &Handle<Vpc>) -> Result<Public> {
        let tags = names::tags(self.spec, "internet-gateway");
        let gateway = InternetGateway { vpc: out!(vpc.id), tags };
        let gateway = self.graph.add("internet-gateway", gateway);
        let table = self.route_table(vpc, "route-table/public");
        let (route_table, target) = (out!(table.id), out!(gateway.id));
        let route = Route { route_table, destination: EVERYWHERE.into(), target };
        let route = self.graph.add("route/public", route);
        let mut subnets = Vec::new();
        for (zone, slot) in self.zones.clone() {
            let subnet = self.subnet(vpc, Side::Public, &zone, slot)?;
            let association = self.associate(Side::Public, &zone, &subnet, &table);
            subnets.push((zone, subnet, association));
        }
        Ok(Public { route, subnets })
    }

    /// Adds the NAT gateways that the file asks for; a single one stands in the lowest slot.
    ///
    /// One that is made before its network is attached to the internet fails for good.
    fn nat_gateways(&mut self, public: &Public) -> BTreeMap<String, Handle<NatGateway>> {
        let count = match self.spec.network.nat {
            Nat::Single => 1,
            Nat::PerZone => public.subnets.len(),
            Nat::None => 0,
        };
        let mut gateways = BTreeMap::new();
        for (zone, subnet, association) in public.subnets.iter().take(count) {
            let address = format!("elastic-ip/{zone}");
            let ip = ElasticIp { tags: names::tags(self.spec, &address) };
            let ip = self.graph.add(address, ip);
            let address = format!("nat-gateway/{zone}");
            let tags = names::tags(self.spec, &address);
            let gateway = NatGateway { subnet: out!(subnet.id), allocation: out!(ip.id), tags };
            let place = Place::at(address).after(&public.route).after(association);
            gateways.insert(zone.clone(), self.graph.add(place, gateway));
        }
        gateways
    }

    fn subnet(
        &mut self,
        vpc: &Handle<Vpc>,
        side: Side,
        zone: &str,
        slot: usize,
    ) -> Result<Handle<Subnet>> {
        let layout = Layout::new(self.spec.network.cidr);
        let cidr = layout.and_then(|layout| match side {
            Side::Public => layout.public(slot),
            Side::Private => layout.private(slot),
        });
        let network = self.spec.network.cidr;
        let no_room = || Error::invalid(format!("{network} has no room for zone {zone}"));
        let cidr = cidr.ok_or_else(no_room)?.to_string();
        let address = format!("subnet/{}/{zone}", side.word());
        let mut tags = names::tags(self.spec, &address);
        tags.insert(side.role().into(), "1".into());
        let subnet = Subnet { vpc: out!(vpc.id), cidr, zone: zone.to_owned(), tags };
        Ok(self.graph.add(address, subnet))
    }

    fn route_table(&mut self, vpc: &Handle<Vpc>, address: &str) -> Handle<RouteTable> {
        let table = RouteTable { vpc: out!(vpc.id), tags: names::tags(self.spec, address) };
        self.graph.add(address, table)
    }

    fn associate(
        &mut self,
        side: Side,
        zone: &str,
        subnet: &Handle<Subnet>,
        table: &Handle<RouteTable>,
    ) -> Handle<RouteTableAssociation> {
        let association =
            RouteTableAssociation { subnet: out!(subnet.id), route_table: out!(table.id) };
        self.graph.add(Place::at(format!("association/{}/{zone}", side.word())), association)
    }

    /// Adds the way to S3, where images lie, that costs nothing.
    fn endpoint(&mut self, vpc: &Handle<Vpc>, tables: &[Handle<RouteTable>]) {
        let mut route_tables: Vec<_> = tables.iter().map(|table| out!(table.id)).collect();
        route_tables.sort();
        let endpoint = VpcEndpoint {
            vpc: out!(vpc.id),
            service: format!("com.amazonaws.{}.s3", self.spec.region),
            route_tables,
            tags: names::tags(self.spec, "endpoint/s3"),
        };
        self.graph.add("endpoint/s3", endpoint);
    }
}
