"""What must be true of the network: who reaches whom, and that nothing else does."""

import ipaddress

from chain import everything, rules_of

WORLD, NETWORK, NOBODY = "0.0.0.0/0", "10.20.0.0/16", "127.0.0.1/32"
ALB, TASKS, DATABASE = (f"<{name}.GroupId>" for name in ("alb.AlbSecurityGroup", "alb.ServiceSecurityGroup", "database.DatabaseSecurityGroup"))
SERVERS, DISK = "<consul.ServerSecurityGroup.GroupId>", "<consul.DiskSecurityGroup.GroupId>"
# Group: who may come in, and where it may go. (protocol, first port, last port, who)
ALLOWED = {
    "alb.AlbSecurityGroup": ([("tcp", 443, 443, WORLD), ("tcp", 80, 80, WORLD)], [("tcp", 5000, 5000, TASKS)]),
    "alb.ServiceSecurityGroup": (
        [("tcp", 5000, 5000, ALB), *((protocol, 8301, 8301, who) for protocol in ("tcp", "udp") for who in (SERVERS, TASKS))],
        [("tcp", 443, 443, WORLD), ("tcp", 3306, 3306, NETWORK), ("tcp", 8300, 8301, NETWORK), ("udp", 8301, 8301, NETWORK)],
    ),
    "database.DatabaseSecurityGroup": ([("tcp", 3306, 3306, TASKS)], [("tcp", 1, 1, NOBODY)]),
    "consul.ServerSecurityGroup": (
        [(protocol, first, 8301, who) for protocol, first in (("tcp", 8300), ("udp", 8301)) for who in (SERVERS, TASKS)],
        [("tcp", 443, 443, WORLD), ("tcp", 2049, 2049, NETWORK), ("tcp", 8300, 8301, NETWORK), ("udp", 8301, 8301, NETWORK)],
    ),
    "consul.DiskSecurityGroup": ([("tcp", 2049, 2049, SERVERS)], [("tcp", 1, 1, NOBODY)]),
    "network.EndpointSecurityGroup": ([("tcp", 443, 443, NETWORK)], [("tcp", 1, 1, NOBODY)]),
    "ec2-capacity.MachineSecurityGroup": ([], [("tcp", 443, 443, WORLD)]),
}


def must_allow_only_the_documented_traffic(chain):
    groups = {f"{stack.name}.{key}" for stack in chain.values() for key in stack.of_type("AWS::EC2::SecurityGroup")}
    assert groups <= set(ALLOWED), f"groups that nobody has thought about: {groups - set(ALLOWED)}"
    for group in groups:
        for direction, wanted in zip(("Ingress", "Egress"), ALLOWED[group]):
            rules = rules_of(chain, group, direction)
            found = [(r["IpProtocol"], int(r["FromPort"]), int(r["ToPort"]), _who(r)) for r in rules]
            wanted = [rule if rule[3] != NETWORK else (*rule[:3], chain["network"].outputs["Cidr"]) for rule in wanted]
            assert sorted(found) == sorted(wanted), f"{group}, {direction}: {sorted(set(found) ^ set(wanted))}"


def _who(rule):
    return rule.get("CidrIp") or rule.get("SourceSecurityGroupId") or rule["DestinationSecurityGroupId"]


def must_reach_aws_from_inside_where_there_is_no_way_out(chain):
    vpc, = chain["network"].of_type("AWS::EC2::VPC").values()
    assert vpc["EnableDnsSupport"] is True and vpc["EnableDnsHostnames"] is True
    for name, endpoint in everything(chain, "AWS::EC2::VPCEndpoint"):
        if endpoint["VpcEndpointType"] == "Interface":
            assert endpoint["PrivateDnsEnabled"] is True and endpoint["SecurityGroupIds"] == ["<network.EndpointSecurityGroup>"], name


def must_give_nothing_a_public_address(chain):
    for name, subnet in everything(chain, "AWS::EC2::Subnet"):
        assert subnet.get("MapPublicIpOnLaunch") is False, name
    for name, found in everything(chain, "AWS::ECS::Service"):
        assert found["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"] == "DISABLED", name
        assert all(".PrivateSubnet" in subnet for subnet in found["NetworkConfiguration"]["AwsvpcConfiguration"]["Subnets"]), name
    for name, database in everything(chain, "AWS::RDS::DBInstance"):
        assert database["PubliclyAccessible"] is False, name
    group, = chain["database"].of_type("AWS::RDS::DBSubnetGroup").values()
    assert all(".DataSubnet" in subnet for subnet in group["SubnetIds"]), group
    for name, route in everything(chain, "AWS::EC2::Route"):
        assert "DataRoutes" not in route["RouteTableId"], f"{name}: data subnets have a way out"


def must_route_each_subnet_as_its_role_says(chain):
    network = chain["network"]
    kind = network.parameters["NatGateways"]
    routes = {}
    for name, route in network.of_type("AWS::EC2::Route").items():
        target = route.get("GatewayId") or route.get("NatGatewayId")
        assert route["DestinationCidrBlock"] == WORLD and len(set(route) & {"GatewayId", "NatGatewayId"}) == 1, name
        routes.setdefault(route["RouteTableId"], []).append(target)
    tables = {}
    for name, association in network.of_type("AWS::EC2::SubnetRouteTableAssociation").items():
        assert association["SubnetId"] not in tables, f"{name}: a subnet has one table"
        tables[association["SubnetId"]] = association["RouteTableId"]
    gateways = {key: nat["SubnetId"] for key, nat in network.of_type("AWS::EC2::NatGateway").items()}
    for zone in "AB":
        nat = None if kind == "none" else f"<network.NatGateway{zone if kind == 'per-zone' else 'A'}>"
        wanted = {"Public": ["<network.InternetGateway>"], "Private": [nat] if nat else [], "Data": []}
        for role, targets in wanted.items():
            table = tables[f"<network.{role}Subnet{zone}>"]
            assert routes.get(table, []) == targets, f"{role}Subnet{zone} goes out by {routes.get(table, [])}"
        if f"NatGateway{zone}" in gateways:
            assert gateways[f"NatGateway{zone}"] == f"<network.PublicSubnet{zone}>", "a NAT gateway that cannot get out itself"
            assert network.of_type("AWS::EC2::NatGateway")[f"NatGateway{zone}"]["AllocationId"] == f"<network.NatAddress{zone}.AllocationId>"
        zones = {network.of_type("AWS::EC2::Subnet")[f"{role}Subnet{zone}"]["AvailabilityZone"] for role in wanted}
        assert zones == {network.region + zone.lower()}, f"what is called {zone} lies in {zones}"
    s3 = network.of_type("AWS::EC2::VPCEndpoint")["S3Endpoint"]
    private = {tables["<network.PrivateSubnetA>"], tables["<network.PrivateSubnetB>"]}
    assert s3["VpcEndpointType"] == "Gateway" and set(s3["RouteTableIds"]) == private, "image layers come from S3, through NAT they cost"
    attachment, = network.of_type("AWS::EC2::VPCGatewayAttachment").values()
    assert attachment == {"VpcId": "<network.Vpc>", "InternetGatewayId": "<network.InternetGateway>"}
    for name, body in [*everything(chain, "AWS::EC2::Subnet"), *everything(chain, "AWS::EC2::SecurityGroup"), *everything(chain, "AWS::EC2::RouteTable")]:
        assert body["VpcId"] == "<network.Vpc>", name


# What tasks ask AWS for; without NAT there is no other way. S3 has its gateway.
ENDPOINTS = {"ecr.api", "ecr.dkr", "elasticloadbalancing", "kms", "logs", "secretsmanager", "ec2"}
MACHINES, EXEC = {"ecs", "ecs-agent", "ecs-telemetry"}, {"ssmmessages"}


def must_have_an_endpoint_for_whatever_is_asked(chain):
    network = chain["network"]
    wanted = set()
    if network.parameters["Endpoints"] == "true":
        wanted = ENDPOINTS | (MACHINES if network.parameters["MachineEndpoints"] == "true" else set()) | (EXEC if network.parameters["ExecEndpoint"] == "true" else set())
    assert network.parameters["NatGateways"] != "none" or wanted, "no way out at all"
    found = {}
    for name, endpoint in network.of_type("AWS::EC2::VPCEndpoint").items():
        service = endpoint["ServiceName"].removeprefix(f"com.amazonaws.{network.region}.")
        assert service not in found, f"{service} twice: the second one's private name is refused"
        found[service] = endpoint
        if endpoint["VpcEndpointType"] == "Interface":
            assert endpoint["SubnetIds"] == ["<network.PrivateSubnetA>", "<network.PrivateSubnetB>"], name
    assert set(found) == wanted | {"s3"}, set(found) ^ (wanted | {"s3"})


def must_use_networks_that_do_not_overlap(chain):
    networks = [ipaddress.ip_network(p["CidrBlock"]) for _, p in everything(chain, "AWS::EC2::Subnet")]
    whole = ipaddress.ip_network(next(p["CidrBlock"] for _, p in everything(chain, "AWS::EC2::VPC")))
    assert len(networks) == 6 and all(n.subnet_of(whole) for n in networks)
    assert not any(a.overlaps(b) for i, a in enumerate(networks) for b in networks[i + 1:])
    zones = {p["AvailabilityZone"] for _, p in everything(chain, "AWS::EC2::Subnet")}
    assert len(zones) == 2, zones


ASSERTIONS = [value for name, value in sorted(globals().items()) if name.startswith("must_")]
