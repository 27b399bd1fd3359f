//! What a launch template says about machines: from the words of requests into those of answers.
use super::super::Refusal;
use super::noun::invalid;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// The most bytes that user data may have.
const USER_DATA: usize = 16 << 10;

/// What a member holds.
enum Shape {
    Text,
    Number,
    Flag,
    /// One of some words.
    Word(&'static [&'static str]),
    UserData,
    List(&'static Shape),
    Members(Members),
}

/// Members, as requests and as answers call them.
type Members = &'static [(&'static str, &'static str, Shape)];

use Shape::{Flag, List, Number, Text, UserData, Word};

const DATA: Members = &[
    ("BlockDeviceMapping", "blockDeviceMappingSet", List(&Shape::Members(MAPPING))),
    ("CapacityReservationSpecification", "capacityReservationSpecification", {
        Shape::Members(&[(
            "CapacityReservationPreference",
            "capacityReservationPreference",
            Word(&["capacity-reservations-only", "none", "open"]),
        )])
    }),
    ("CpuOptions", "cpuOptions", {
        Shape::Members(&[
            ("CoreCount", "coreCount", Number),
            ("ThreadsPerCore", "threadsPerCore", Number),
        ])
    }),
    ("CreditSpecification", "creditSpecification", {
        Shape::Members(&[("CpuCredits", "cpuCredits", Word(&["standard", "unlimited"]))])
    }),
    ("DisableApiStop", "disableApiStop", Flag),
    ("DisableApiTermination", "disableApiTermination", Flag),
    ("EbsOptimized", "ebsOptimized", Flag),
    ("EnclaveOptions", "enclaveOptions", Shape::Members(&[("Enabled", "enabled", Flag)])),
    ("HibernationOptions", "hibernationOptions", {
        Shape::Members(&[("Configured", "configured", Flag)])
    }),
    ("IamInstanceProfile", "iamInstanceProfile", {
        Shape::Members(&[("Arn", "arn", Text), ("Name", "name", Text)])
    }),
    ("ImageId", "imageId", Text),
    ("InstanceInitiatedShutdownBehavior", "instanceInitiatedShutdownBehavior", {
        Word(&["stop", "terminate"])
    }),
    ("InstanceMarketOptions", "instanceMarketOptions", {
        Shape::Members(&[
            ("MarketType", "marketType", Word(&["capacity-block", "on-demand", "spot"])),
            ("SpotOptions", "spotOptions", Shape::Members(SPOT)),
        ])
    }),
    ("InstanceType", "instanceType", Text),
    ("KeyName", "keyName", Text),
    ("MaintenanceOptions", "maintenanceOptions", {
        Shape::Members(&[("AutoRecovery", "autoRecovery", Word(&["default", "disabled"]))])
    }),
    ("MetadataOptions", "metadataOptions", Shape::Members(METADATA)),
    ("Monitoring", "monitoring", Shape::Members(&[("Enabled", "enabled", Flag)])),
    ("NetworkInterface", "networkInterfaceSet", List(&Shape::Members(INTERFACE))),
    ("Placement", "placement", Shape::Members(PLACEMENT)),
    ("SecurityGroup", "securityGroupSet", List(&Text)),
    ("SecurityGroupId", "securityGroupIdSet", List(&Text)),
    ("TagSpecification", "tagSpecificationSet", List(&Shape::Members(TAGS))),
    ("UserData", "userData", UserData),
];

const MAPPING: Members = &[
    ("DeviceName", "deviceName", Text),
    ("Ebs", "ebs", Shape::Members(EBS)),
    ("NoDevice", "noDevice", Text),
    ("VirtualName", "virtualName", Text),
];

const EBS: Members = &[
    ("DeleteOnTermination", "deleteOnTermination", Flag),
    ("Encrypted", "encrypted", Flag),
    ("Iops", "iops", Number),
    ("KmsKeyId", "kmsKeyId", Text),
    ("SnapshotId", "snapshotId", Text),
    ("Throughput", "throughput", Number),
    ("VolumeSize", "volumeSize", Number),
    ("VolumeType", "volumeType", Word(&["gp2", "gp3", "io1", "io2", "sc1", "st1", "standard"])),
];

const INTERFACE: Members = &[
    ("AssociatePublicIpAddress", "associatePublicIpAddress", Flag),
    ("DeleteOnTermination", "deleteOnTermination", Flag),
    ("Description", "description", Text),
    ("DeviceIndex", "deviceIndex", Number),
    ("InterfaceType", "interfaceType", Text),
    ("NetworkCardIndex", "networkCardIndex", Number),
    ("NetworkInterfaceId", "networkInterfaceId", Text),
    ("PrivateIpAddress", "privateIpAddress", Text),
    ("SecurityGroupId", "groupSet", List(&Text)),
    ("SubnetId", "subnetId", Text),
];

const METADATA: Members = &[
    ("HttpEndpoint", "httpEndpoint", Word(&["disabled", "enabled"])),
    ("HttpProtocolIpv6", "httpProtocolIpv6", Word(&["disabled", "enabled"])),
    ("HttpPutResponseHopLimit", "httpPutResponseHopLimit", Number),
    ("HttpTokens", "httpTokens", Word(&["optional", "required"])),
    ("InstanceMetadataTags", "instanceMetadataTags", Word(&["disabled", "enabled"])),
];

const PLACEMENT: Members = &[
    ("AvailabilityZone", "availabilityZone", Text),
    ("GroupName", "groupName", Text),
    ("Tenancy", "tenancy", Word(&["dedicated", "default", "host"])),
];

const SPOT: Members = &[
    ("InstanceInterruptionBehavior", "instanceInterruptionBehavior", {
        Word(&["hibernate", "stop", "terminate"])
    }),
    ("MaxPrice", "maxPrice", Text),
    ("SpotInstanceType", "spotInstanceType", Word(&["one-time", "persistent"])),
];

const TAGS: Members = &[
    ("ResourceType", "resourceType", Text),
    ("Tag", "tagSet", List(&Shape::Members(&[("Key", "key", Text), ("Value", "value", Text)]))),
];

/// Reads what a request says into what answers say.
///
/// # Errors
/// When a member is unknown, or holds what it cannot.
pub(super) fn read(data: &Value) -> Result<Map<String, Value>, Refusal> {
    members(data, DATA)
}

fn members(given: &Value, known: Members) -> Result<Map<String, Value>, Refusal> {
    let mut read = Map::new();
    let given = given.as_object().ok_or_else(|| invalid("LaunchTemplateData is malformed"))?;
    for (name, value) in given {
        let Some((_, shown, shape)) = known.iter().find(|(its, _, _)| its == name) else {
            let what = format!("the parameter {name} of a launch template");
            return Err(Refusal::unsupported(&what));
        };
        read.insert((*shown).to_owned(), shape.read(name, value)?);
    }
    Ok(read)
}

impl Shape {
    fn read(&self, name: &str, given: &Value) -> Result<Value, Refusal> {
        let text = given.as_str().unwrap_or_default();
        let wrong = || invalid(format!("Value ({text}) for parameter {name} is invalid."));
        Ok(match self {
            Text => json!(given.as_str().ok_or_else(wrong)?),
            Number => json!(text.parse::<i64>().map_err(|_| wrong())?),
            Flag => json!(text.parse::<bool>().map_err(|_| wrong())?),
            Word(words) => json!(words.iter().find(|word| **word == text).ok_or_else(wrong)?),
            UserData => json!(user_data(text)?),
            List(item) => {
                let mut items: Vec<(u32, &Value)> = Vec::new();
                for (number, value) in given.as_object().ok_or_else(wrong)? {
                    items.push((number.parse().map_err(|_| wrong())?, value));
                }
                items.sort_by_key(|(number, _)| *number);
                let read = items.into_iter().map(|(_, value)| item.read(name, value));
                Value::Array(read.collect::<Result<_, _>>()?)
            }
            Self::Members(known) => Value::Object(members(given, known)?),
        })
    }
}

fn user_data(text: &str) -> Result<&str, Refusal> {
    let wrong = |message: &str| Refusal::new("InvalidUserData.Malformed", message);
    let bytes = STANDARD.decode(text).map_err(|_| wrong("Invalid BASE64 encoding of user data"))?;
    match bytes.len() <= USER_DATA {
        true => Ok(text),
        false => Err(wrong("User data is limited to 16384 bytes")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_become_answers() {
        let disk = json!({ "Ebs": { "VolumeSize": "100", "Encrypted": "true" } });
        let tag = json!({ "1": { "Key": "k", "Value": "v" } });
        let given = json!({
            "UserData": "aGk=",
            "BlockDeviceMapping": { "2": { "DeviceName": "b" }, "1": disk },
            "TagSpecification": { "1": { "ResourceType": "volume", "Tag": tag } },
        });
        let disk = json!({ "ebs": { "volumeSize": 100, "encrypted": true } });
        let tags = json!([{ "key": "k", "value": "v" }]);
        let wanted = json!({
            "userData": "aGk=",
            "blockDeviceMappingSet": [disk, { "deviceName": "b" }],
            "tagSpecificationSet": [{ "resourceType": "volume", "tagSet": tags }],
        });
        assert_eq!(Value::Object(read(&given).unwrap()), wanted);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let code = |given: Value| read(&given).unwrap_err().code;
        assert_eq!(code(json!({ "UserData": "#!/bin/sh" })), "InvalidUserData.Malformed");
        assert_eq!(code(json!({ "KernelId": "x" })), "SandboxUnsupported");
        let tokens = json!({ "MetadataOptions": { "HttpTokens": "maybe" } });
        assert_eq!(code(tokens), "InvalidParameterValue");
        let large = STANDARD.encode(vec![b'x'; USER_DATA + 1]);
        assert_eq!(code(json!({ "UserData": large })), "InvalidUserData.Malformed");
    }
}
