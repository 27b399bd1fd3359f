#!/usr/bin/env bash
# The cluster of intent.yaml, made and then changed by hand with the AWS CLI, as AWS documents it:
# the EKS user guide ("Create an Amazon EKS cluster", "VPC and subnet requirements", "Customize
# managed nodes with launch templates", "Create an IAM OIDC provider") and the VPC user guide.
#
# It is written from those pages, and is not adapted to what provision sends. What the file leaves
# open and docs/reference.md promises is part of the intent too: access by entries alone and none
# for who creates it, standard support, three kinds of logs kept for 90 days, a key that rotates.
set -euo pipefail
export AWS_DEFAULT_REGION=eu-west-1 AWS_PAGER=""
cluster=acme-dev
aws() { "$PYTHON" -m awscli "$@"; }
id() { aws "$@" --output text; }
tags() { echo "ResourceType=$1,Tags=[{Key=Name,Value=$cluster-${2:-$1}},{Key=team,Value=platform}$3]"; }
iam_tags() { echo "Key=Name,Value=$cluster-$1 Key=team,Value=platform"; }

# The network: two zones, each with a public and a private subnet, and a NAT gateway in each.
vpc=$(id ec2 create-vpc --cidr-block 10.20.0.0/16 --query Vpc.VpcId \
    --tag-specifications "$(tags vpc vpc "")")
aws ec2 modify-vpc-attribute --vpc-id "$vpc" --enable-dns-hostnames '{"Value":true}'
igw=$(id ec2 create-internet-gateway --query InternetGateway.InternetGatewayId \
    --tag-specifications "$(tags internet-gateway internet "")")
aws ec2 attach-internet-gateway --internet-gateway-id "$igw" --vpc-id "$vpc"

subnet() { # zone, range, side, role
    id ec2 create-subnet --vpc-id "$vpc" --availability-zone "$1" --cidr-block "$2" \
        --query Subnet.SubnetId \
        --tag-specifications "$(tags subnet "$3-$1" ",{Key=kubernetes.io/role/$4,Value=1}")"
}
route_table() {
    id ec2 create-route-table --vpc-id "$vpc" --query RouteTable.RouteTableId \
        --tag-specifications "$(tags route-table "$1" "")"
}
public_a=$(subnet eu-west-1a 10.20.240.0/24 public elb)
public_b=$(subnet eu-west-1b 10.20.241.0/24 public elb)
private_a=$(subnet eu-west-1a 10.20.0.0/20 private internal-elb)
private_b=$(subnet eu-west-1b 10.20.16.0/20 private internal-elb)

table=$(route_table public)
aws ec2 create-route --route-table-id "$table" --destination-cidr-block 0.0.0.0/0 \
    --gateway-id "$igw" >/dev/null
aws ec2 associate-route-table --route-table-id "$table" --subnet-id "$public_a" >/dev/null
aws ec2 associate-route-table --route-table-id "$table" --subnet-id "$public_b" >/dev/null

nat() { # name, subnet, address
    id ec2 create-nat-gateway --subnet-id "$2" --allocation-id "$3" \
        --query NatGateway.NatGatewayId --tag-specifications "$(tags natgateway "nat-$1" "")"
}
address() {
    id ec2 allocate-address --domain vpc --query AllocationId \
        --tag-specifications "$(tags elastic-ip "nat-$1" "")"
}
address_a=$(address a)
address_b=$(address b)
nat_a=$(nat a "$public_a" "$address_a")
nat_b=$(nat b "$public_b" "$address_b")
aws ec2 wait nat-gateway-available --nat-gateway-ids "$nat_a" "$nat_b"
private() { # name, subnet, NAT gateway; prints the route table
    local table
    table=$(route_table "private-$1")
    aws ec2 create-route --route-table-id "$table" --destination-cidr-block 0.0.0.0/0 \
        --nat-gateway-id "$3" >/dev/null
    aws ec2 associate-route-table --route-table-id "$table" --subnet-id "$2" >/dev/null
    echo "$table"
}
table_a=$(private a "$private_a" "$nat_a")
table_b=$(private b "$private_b" "$nat_b")
aws ec2 create-vpc-endpoint --vpc-id "$vpc" --service-name com.amazonaws.eu-west-1.s3 \
    --route-table-ids "$table_a" "$table_b" \
    --tag-specifications "$(tags vpc-endpoint s3 "")" >/dev/null

# Who the control plane and the nodes are.
role() { # name, service, policies; prints the ARN
    local name="$cluster-$1" trust
    trust='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"'$2'"},
        "Action":"sts:AssumeRole"}]}'
    # shellcheck disable=SC2046
    id iam create-role --role-name "$name" --assume-role-policy-document "$trust" \
        --tags $(iam_tags "$1") --query Role.Arn
    for policy in "${@:3}"; do
        aws iam attach-role-policy --role-name "$name" \
            --policy-arn "arn:aws:iam::aws:policy/$policy"
    done
}
cluster_role=$(role cluster-role eks.amazonaws.com AmazonEKSClusterPolicy)
node_role=$(role node-role ec2.amazonaws.com AmazonEKSWorkerNodePolicy \
    AmazonEC2ContainerRegistryPullOnly AmazonEKS_CNI_Policy)

# The key for secrets, and the group that the logs go to.
key=$(id kms create-key --description "EKS secrets of $cluster" --query KeyMetadata.Arn \
    --tags TagKey=Name,TagValue=$cluster-secrets TagKey=team,TagValue=platform)
aws kms enable-key-rotation --key-id "$key"
aws kms create-alias --alias-name "alias/$cluster-secrets" --target-key-id "$key"
aws logs create-log-group --log-group-name "/aws/eks/$cluster/cluster" \
    --tags Name=$cluster-logs,team=platform
aws logs put-retention-policy --log-group-name "/aws/eks/$cluster/cluster" --retention-in-days 90

aws eks create-cluster --name $cluster --kubernetes-version 1.35 --role-arn "$cluster_role" \
    --resources-vpc-config "subnetIds=$private_a,$private_b,endpointPublicAccess=true,\
endpointPrivateAccess=true,publicAccessCidrs=203.0.113.0/24" \
    --access-config authenticationMode=API,bootstrapClusterCreatorAdminPermissions=false \
    --upgrade-policy supportType=STANDARD \
    --logging '{"clusterLogging":[{"types":["api","audit","authenticator"],"enabled":true}]}' \
    --encryption-config '[{"resources":["secrets"],"provider":{"keyArn":"'"$key"'"}}]' \
    --tags Name=$cluster,team=platform >/dev/null
aws eks wait cluster-active --name $cluster
issuer=$(id eks describe-cluster --name $cluster --query cluster.identity.oidc.issuer)
# shellcheck disable=SC2046
aws iam create-open-id-connect-provider --url "$issuer" --client-id-list sts.amazonaws.com \
    --tags $(iam_tags oidc) >/dev/null

# The pools. A node group has disks, labels and taints of its own; only what it cannot say itself,
# how the machines' own disks are used, needs a launch template.
node_group() {
    aws eks create-nodegroup --cluster-name $cluster --node-role "$node_role" \
        --subnets "$private_a" "$private_b" --ami-type AL2023_x86_64_STANDARD "$@" >/dev/null
}
node_group --nodegroup-name app --instance-types m5.large --capacity-type ON_DEMAND \
    --disk-size 50 --scaling-config minSize=1,maxSize=2,desiredSize=1 --labels team=data \
    --tags Name=$cluster-app,team=platform
user_data=$(base64 -w0 <<'END'
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="BOUNDARY"

--BOUNDARY
Content-Type: application/node.eks.aws

---
apiVersion: node.eks.aws/v1alpha1
kind: NodeConfig
spec:
  instance:
    localStorage:
      strategy: RAID0

--BOUNDARY--
END
)
machine_tags='"Tags":[{"Key":"Name","Value":"'$cluster-fast'"},{"Key":"team","Value":"platform"}]'
template=$(id ec2 create-launch-template --launch-template-name $cluster-fast \
    --query LaunchTemplate.LaunchTemplateId \
    --tag-specifications "$(tags launch-template fast "")" --launch-template-data '{
    "UserData": "'"$user_data"'",
    "BlockDeviceMappings": [
        {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 100, "VolumeType": "gp3"}}],
    "TagSpecifications": [
        {"ResourceType": "instance", '"$machine_tags"'},
        {"ResourceType": "volume", '"$machine_tags"'}]}')
node_group --nodegroup-name fast --instance-types r5d.xlarge r6id.xlarge --capacity-type SPOT \
    --launch-template "id=$template,version=1" \
    --scaling-config minSize=1,maxSize=4,desiredSize=1 \
    --taints key=fast,value=true,effect=NO_SCHEDULE --tags Name=$cluster-fast,team=platform

# Then the change: one NAT gateway for both zones, a larger pool with one more label, and another
# value of the taint.
aws ec2 replace-route --route-table-id "$table_b" --destination-cidr-block 0.0.0.0/0 \
    --nat-gateway-id "$nat_a"
aws ec2 delete-nat-gateway --nat-gateway-id "$nat_b" >/dev/null
aws ec2 wait nat-gateway-deleted --nat-gateway-ids "$nat_b"
aws ec2 release-address --allocation-id "$address_b"
for pool in app fast; do
    aws eks wait nodegroup-active --cluster-name $cluster --nodegroup-name $pool
done
aws eks update-nodegroup-config --cluster-name $cluster --nodegroup-name app \
    --scaling-config minSize=1,maxSize=6,desiredSize=1 \
    --labels 'addOrUpdateLabels={tier=one}' >/dev/null
aws eks update-nodegroup-config --cluster-name $cluster --nodegroup-name fast \
    --taints 'addOrUpdateTaints=[{key=fast,value=yes,effect=NO_SCHEDULE}]' >/dev/null
