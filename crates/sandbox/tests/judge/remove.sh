#!/usr/bin/env bash
# Takes down with the AWS CLI what same_intent.sh has made, in the order that AWS documents: the EKS
# user guide, "Delete a cluster", and the VPC user guide, "Delete your VPC".
set -euo pipefail
export AWS_DEFAULT_REGION=eu-west-1 AWS_PAGER=""
cluster=acme-dev
aws() { "$PYTHON" -m awscli "$@"; }
ids() { aws "$@" --output text; }

for pool in app fast; do
    aws eks wait nodegroup-active --cluster-name $cluster --nodegroup-name $pool
    aws eks delete-nodegroup --cluster-name $cluster --nodegroup-name $pool >/dev/null
done
for pool in app fast; do
    aws eks wait nodegroup-deleted --cluster-name $cluster --nodegroup-name $pool
done
key=$(ids eks describe-cluster --name $cluster \
    --query 'cluster.encryptionConfig[0].provider.keyArn')
aws eks delete-cluster --name $cluster >/dev/null
aws eks wait cluster-deleted --name $cluster
aws ec2 delete-launch-template --launch-template-name $cluster-fast >/dev/null

vpc=$(ids ec2 describe-vpcs --filters Name=tag:Name,Values=$cluster-vpc --query 'Vpcs[].VpcId')
here=Name=vpc-id,Values=$vpc
nats=$(ids ec2 describe-nat-gateways --filter "$here" Name=state,Values=available \
    --query 'NatGateways[].NatGatewayId')
for nat in $nats; do aws ec2 delete-nat-gateway --nat-gateway-id "$nat" >/dev/null; done
# shellcheck disable=SC2086
aws ec2 wait nat-gateway-deleted --nat-gateway-ids $nats
for address in $(ids ec2 describe-addresses --query 'Addresses[].AllocationId'); do
    aws ec2 release-address --allocation-id "$address"
done
# shellcheck disable=SC2046
aws ec2 delete-vpc-endpoints --vpc-endpoint-ids \
    $(ids ec2 describe-vpc-endpoints --filters "$here" --query 'VpcEndpoints[].VpcEndpointId') \
    >/dev/null

tables='RouteTables[?!(Associations[?Main])]'
associations=$(ids ec2 describe-route-tables --filters "$here" \
    --query "$tables.Associations[].RouteTableAssociationId")
for it in $associations; do aws ec2 disassociate-route-table --association-id "$it"; done
for it in $(ids ec2 describe-route-tables --filters "$here" --query "$tables.RouteTableId"); do
    aws ec2 delete-route-table --route-table-id "$it"
done
for it in $(ids ec2 describe-internet-gateways --filters "Name=attachment.vpc-id,Values=$vpc" \
    --query 'InternetGateways[].InternetGatewayId'); do
    aws ec2 detach-internet-gateway --internet-gateway-id "$it" --vpc-id "$vpc"
    aws ec2 delete-internet-gateway --internet-gateway-id "$it"
done
while [ -n "$(ids ec2 describe-network-interfaces --filters "$here" \
    --query 'NetworkInterfaces[].NetworkInterfaceId')" ]; do sleep 0.1; done
for it in $(ids ec2 describe-subnets --filters "$here" --query 'Subnets[].SubnetId'); do
    aws ec2 delete-subnet --subnet-id "$it"
done
aws ec2 delete-vpc --vpc-id "$vpc"

for provider in $(ids iam list-open-id-connect-providers \
    --query 'OpenIDConnectProviderList[].Arn'); do
    aws iam delete-open-id-connect-provider --open-id-connect-provider-arn "$provider"
done
for role in $cluster-cluster-role $cluster-node-role; do
    for policy in $(ids iam list-attached-role-policies --role-name $role \
        --query 'AttachedPolicies[].PolicyArn'); do
        aws iam detach-role-policy --role-name $role --policy-arn "$policy"
    done
    aws iam delete-role --role-name $role
done
aws logs delete-log-group --log-group-name "/aws/eks/$cluster/cluster"
aws kms delete-alias --alias-name "alias/$cluster-secrets"
aws kms schedule-key-deletion --key-id "$key" --pending-window-in-days 7 >/dev/null
