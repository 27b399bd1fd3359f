//! What a pool's machines are started with, where a node group cannot say it itself.
//!
//! It names no image, machine type, profile or security group: with an image EKS stops adding
//! its own user data, and with a security group it stops adding the cluster's. Its first version
//! is the only one; what would need another belongs into a new generation of the pool.
use crate::aws::{
    Aws, Reply, Tags, ec2_tags, filter, missing, of_cluster, own, owned, retag, specify,
};
use aws_sdk_ec2::types::{
    Filter, LaunchTemplate as Found, LaunchTemplateBlockDeviceMappingRequest as MappingRequest,
    LaunchTemplateEbsBlockDeviceRequest as EbsRequest,
    LaunchTemplateHttpTokensState as TokensState,
    LaunchTemplateInstanceMetadataEndpointState as EndpointState,
    LaunchTemplateInstanceMetadataOptionsRequest as MetadataRequest,
    LaunchTemplateTagSpecificationRequest as TagRequest, RequestLaunchTemplateData, ResourceType,
    ResponseLaunchTemplateData as Data, Tag, VolumeType,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use provision_core::{
    Cx, Diff, Identity, Live, Marks, Phase, Resource, Result, Rule, Started, Timing,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The root disk of Amazon Linux.
const ROOT: &str = "/dev/xvda";

/// What a pool's machines are started with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LaunchTemplate {
    /// Its name.
    pub name: String,
    /// The size of the encrypted root disk, in GiB.
    pub disk_gb: i32,
    /// How the machine is set up, as MIME text; empty leaves all of it to EKS.
    pub user_data: String,
    /// The tags of machines and disks. Changing them does not reach machines of this generation.
    pub machine_tags: Tags,
    /// Its own tags.
    pub tags: Tags,
}

/// What EC2 decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outputs {
    /// Its id.
    pub id: String,
    /// The version to use.
    pub version: String,
}

/// The one version that is used.
const VERSION: &str = "1";

impl Resource for LaunchTemplate {
    const KIND: &'static str = "aws.ec2.launch_template";
    const RULES: &'static [(&'static str, Rule)] = &[
        ("name", Rule::Immutable),
        ("disk_gb", Rule::Immutable),
        ("user_data", Rule::Immutable),
        ("machine_tags", Rule::CreateOnly),
        ("tags", Rule::Tags),
    ];
    const IDENTITY: Identity = Identity::Name;
    const TIMING: Timing = Timing::new(2, 20 * 60, 30);
    type Cloud = Aws;
    type Outputs = Outputs;

    async fn list(cx: &Cx<'_, Aws>) -> Result<Option<Vec<Live<Self>>>> {
        find(cx, of_cluster(cx.marks())).await.map(Some)
    }

    async fn read(&self, cx: &Cx<'_, Aws>, _: Option<&Outputs>) -> Result<Option<Live<Self>>> {
        let found = find(cx, vec![filter("launch-template-name", &self.name)]).await?;
        Ok(found.into_iter().next())
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Result<Started<Outputs>> {
        let call = cx.cloud.ec2.create_launch_template().launch_template_name(&self.name);
        let call = call.launch_template_data(self.data()).client_token(cx.token());
        let call = call.tag_specifications(specify(ResourceType::LaunchTemplate, &self.tags));
        let made = call.send().await.reply("ec2:CreateLaunchTemplate")?;
        let id = made.launch_template.and_then(|template| template.launch_template_id);
        let id = id.ok_or_else(|| missing("ec2:CreateLaunchTemplate", "id"))?;
        Ok(Started::made(Outputs { id, version: VERSION.into() }))
    }

    async fn update(
        &self,
        cx: &Cx<'_, Aws>,
        live: &Live<Self>,
        diff: &Diff,
    ) -> Result<Started<Outputs>> {
        retag(cx.cloud, &live.outputs.id, diff).await
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Result<Started<Outputs>> {
        let call = cx.cloud.ec2.delete_launch_template().launch_template_id(&live.outputs.id);
        call.send().await.gone("ec2:DeleteLaunchTemplate")
    }
}

impl LaunchTemplate {
    fn data(&self) -> RequestLaunchTemplateData {
        let disk = EbsRequest::builder().volume_size(self.disk_gb).volume_type(VolumeType::Gp3);
        let disk = disk.encrypted(true).delete_on_termination(true).build();
        let metadata = MetadataRequest::builder().http_endpoint(EndpointState::Enabled);
        let metadata = metadata.http_tokens(TokensState::Required).http_put_response_hop_limit(1);
        let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
        let tags: Vec<_> = self.machine_tags.iter().map(tag).collect();
        let tagged =
            |kind| TagRequest::builder().resource_type(kind).set_tags(Some(tags.clone())).build();
        let user_data = (!self.user_data.is_empty()).then(|| BASE64.encode(&self.user_data));
        RequestLaunchTemplateData::builder()
            .block_device_mappings(MappingRequest::builder().device_name(ROOT).ebs(disk).build())
            .metadata_options(metadata.build())
            .set_user_data(user_data)
            .tag_specifications(tagged(ResourceType::Instance))
            .tag_specifications(tagged(ResourceType::Volume))
            .build()
    }
}

/// Returns user data with which a machine joins its own disks into one for pods and images.
///
/// Without it a node's own disks stay unused.
pub(crate) fn own_disks() -> String {
    "MIME-Version: 1.0\n\
     Content-Type: multipart/mixed; boundary=\"//\"\n\
     \n\
     --//\n\
     Content-Type: application/node.eks.aws\n\
     \n\
     apiVersion: node.eks.aws/v1alpha1\n\
     kind: NodeConfig\n\
     spec:\n  instance:\n    localStorage:\n      strategy: RAID0\n\
     \n\
     --//--\n"
        .to_owned()
}

async fn find(cx: &Cx<'_, Aws>, filters: Vec<Filter>) -> Result<Vec<Live<LaunchTemplate>>> {
    let ec2 = &cx.cloud.ec2;
    let pages = ec2.describe_launch_templates().set_filters(Some(filters)).into_paginator();
    let found: Result<Vec<_>, _> = pages.items().send().collect().await;
    let found = found.found("ec2:DescribeLaunchTemplates")?.unwrap_or_default();
    let ids: Vec<_> = found.iter().filter_map(|it| it.launch_template_id.clone()).collect();
    let mut tags = tags_of(cx.cloud, ids).await?;
    let mut all = Vec::new();
    for template in found {
        let call = ec2.describe_launch_template_versions().versions(VERSION);
        let call = call.set_launch_template_id(template.launch_template_id.clone());
        let versions = call.send().await.found("ec2:DescribeLaunchTemplateVersions")?;
        let versions = versions.and_then(|answer| answer.launch_template_versions);
        let version = versions.unwrap_or_default().into_iter().next();
        let data = version.and_then(|version| version.launch_template_data);
        let apart = template.launch_template_id.as_ref().and_then(|id| tags.remove(id));
        // Either answer may lag: one that tells no tags is not believed before the other.
        let tags = apart.unwrap_or_else(|| ec2_tags(template.tags.clone()));
        all.push(live(cx.marks(), template, data, tags));
    }
    Ok(all)
}

/// Returns the tags of templates by id.
///
/// Moto 5.2 describes a template with the tags it was made with, whatever became of them.
async fn tags_of(aws: &Aws, ids: Vec<String>) -> Result<BTreeMap<String, Tags>> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let wanted = Filter::builder().name("resource-id").set_values(Some(ids)).build();
    let pages = aws.ec2.describe_tags().filters(wanted).into_paginator();
    let found: Result<Vec<_>, _> = pages.items().send().collect().await;
    let mut all = BTreeMap::<String, Tags>::new();
    for tag in found.reply("ec2:DescribeTags")? {
        let (Some(id), Some(key)) = (tag.resource_id, tag.key) else { continue };
        all.entry(id).or_default().extend(own([(key, tag.value.unwrap_or_default())]));
    }
    Ok(all)
}

fn live(marks: &Marks, template: Found, data: Option<Data>, tags: Tags) -> Live<LaunchTemplate> {
    // EC2 deletes a version only where another one is the default.
    let is_lost = data.is_none() && template.latest_version_number.is_some_and(|latest| latest > 1);
    let phase = match &data {
        Some(_) => Phase::Ready,
        None if is_lost => Phase::Degraded(
            "somebody deleted its first version, which the machines of its pool are made from; \
             `--replace pool/NAME` makes both anew"
                .to_owned(),
        ),
        None => Phase::Busy("its first version is not seen".to_owned()),
    };
    let (mappings, user_data) =
        data.map(|data| (data.block_device_mappings, data.user_data)).unzip();
    let mut mappings = mappings.flatten().unwrap_or_default().into_iter();
    let root = mappings.find(|mapping| mapping.device_name.as_deref() == Some(ROOT));
    let disk_gb = root.and_then(|mapping| mapping.ebs?.volume_size).unwrap_or_default();
    let user_data = user_data.flatten().unwrap_or_default();
    let decoded = BASE64.decode(&user_data).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let id = template.launch_template_id.unwrap_or_default();
    let outputs = Outputs { id, version: VERSION.into() };
    let mut live = owned(marks, tags, phase, outputs, |tags| LaunchTemplate {
        name: template.launch_template_name.unwrap_or_default(),
        disk_gb,
        user_data: decoded.unwrap_or(user_data),
        machine_tags: Tags::new(),
        tags,
    });
    live.unobserved = if is_lost { &["disk_gb", "user_data"] } else { &[] };
    live
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::tests::{marks, ours};
    use aws_sdk_ec2::types::{
        LaunchTemplateBlockDeviceMapping as Mapping, LaunchTemplateEbsBlockDevice as Ebs,
    };

    fn template() -> LaunchTemplate {
        LaunchTemplate {
            name: "provision/acme/executor/12345678".into(),
            disk_gb: 100,
            user_data: own_disks(),
            machine_tags: [("team".to_owned(), "a".to_owned())].into(),
            tags: Tags::new(),
        }
    }

    #[test]
    fn machines_keep_their_metadata_from_pods_and_their_disk_encrypted() {
        let data = template().data();
        let metadata = data.metadata_options().unwrap();
        assert_eq!(metadata.http_tokens(), Some(&TokensState::Required));
        assert_eq!(metadata.http_put_response_hop_limit(), Some(1));
        let disk = data.block_device_mappings()[0].ebs().unwrap();
        assert_eq!((disk.encrypted(), disk.volume_size()), (Some(true), Some(100)));
        assert!(data.image_id().is_none() && data.security_group_ids().is_empty());
        assert_eq!(data.tag_specifications().len(), 2);
    }

    #[test]
    fn user_data_comes_back_as_it_was_sent() {
        let sent = template().data();
        let ebs = Ebs::builder().volume_size(100).build();
        let data = Data::builder().user_data(sent.user_data().unwrap());
        let data =
            data.block_device_mappings(Mapping::builder().device_name(ROOT).ebs(ebs).build());
        let found = Found::builder().launch_template_id("lt-1").launch_template_name("n");
        let tags = ours("launch-template/executor/12345678").into_iter().collect();
        let live = live(&marks(), found.build(), Some(data.build()), tags);
        assert_eq!((live.spec.disk_gb, live.spec.user_data), (100, own_disks()));
        assert!(own_disks().contains("\n    localStorage:\n      strategy: RAID0\n"));
    }
}
