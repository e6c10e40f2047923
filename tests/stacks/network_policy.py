"""What must be true of the network: who reaches whom, and that nothing else does."""

import ipaddress

from chain import everything, rules_of

WORLD, NETWORK, NOBODY = "0.0.0.0/0", "10.20.0.0/16", "127.0.0.1/32"
ALB, TASKS, DATABASE = (f"<{name}.GroupId>" for name in ("alb.AlbSecurityGroup", "alb.ServiceSecurityGroup", "database.DatabaseSecurityGroup"))
SERVERS, DISK = "<consul.ServerSecurityGroup.GroupId>", "<consul.DiskSecurityGroup.GroupId>"
# Group: who may come in, and where it may go. (protocol, first port, last port, who)
WALLS = {
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


def must_let_in_and_out_only_what_the_picture_shows(chain):
    groups = {f"{stack.name}.{key}" for stack in chain.values() for key in stack.of_type("AWS::EC2::SecurityGroup")}
    assert groups <= set(WALLS), f"groups that nobody has thought about: {groups - set(WALLS)}"
    for group in groups:
        for direction, wanted in zip(("Ingress", "Egress"), WALLS[group]):
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


def must_use_networks_that_do_not_overlap(chain):
    networks = [ipaddress.ip_network(p["CidrBlock"]) for _, p in everything(chain, "AWS::EC2::Subnet")]
    whole = ipaddress.ip_network(next(p["CidrBlock"] for _, p in everything(chain, "AWS::EC2::VPC")))
    assert len(networks) == 6 and all(n.subnet_of(whole) for n in networks)
    assert not any(a.overlaps(b) for i, a in enumerate(networks) for b in networks[i + 1:])
    zones = {p["AvailabilityZone"] for _, p in everything(chain, "AWS::EC2::Subnet")}
    assert len(zones) == 2, zones


ASSERTIONS = [value for name, value in sorted(globals().items()) if name.startswith("must_")]
