"""Evaluates a template as CloudFormation would: parameters checked, conditions decided, imports looked up in the stacks before.
What only AWS knows (ids, ARNs) becomes a name that says what it stands for: <stack.Resource> or <stack.Resource.Attribute>."""

import functools
import re

import yaml


class Refused(Exception):
    """A parameter, a rule or a missing import that AWS would refuse too."""


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    pass


def _tag(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {suffix if suffix in ("Ref", "Condition") else "Fn::" + suffix: value}


_Loader.add_multi_constructor("!", _tag)
_NOTHING = object()


@functools.lru_cache(maxsize=None)
def load(text):
    return yaml.load(text, _Loader)


class Stack:
    """One evaluated stack: `resources` (only those whose condition holds) and `outputs`."""

    def __init__(self, name, template, given, exports, region="eu-central-1"):
        self.name, self.template, self.exports, self.region = name, template, exports, region
        self.imports = []
        self.parameters = self._parameters(given)
        self._rules()
        self.resources = {
            key: self._value({k: v for k, v in body.items() if k != "Condition"})
            for key, body in template["Resources"].items()
            if self._holds(body)
        }
        self.outputs = {}
        for key, body in template.get("Outputs", {}).items():
            if self._holds(body):
                self.outputs[key] = self._value(body["Value"])
                if "Export" in body:
                    export = self._value(body["Export"]["Name"])
                    if export in exports:
                        raise Refused(f"{name}: the name {export} is exported already")
                    exports[export] = self.outputs[key]

    def of_type(self, kind):
        return {key: body.get("Properties", {}) for key, body in self.resources.items() if body["Type"] == kind}

    def _parameters(self, given):
        known = self.template.get("Parameters", {})
        for key in given:
            if key not in known:
                raise Refused(f"{self.name}: there is no parameter {key}")
        values = {}
        for key, rule in known.items():
            if key not in given and "Default" not in rule:
                raise Refused(f"{self.name}: parameter {key} has no value")
            value = str(given.get(key, rule.get("Default")))
            allowed = [str(item) for item in rule.get("AllowedValues", [])]
            if allowed and value not in allowed:
                raise Refused(f"{self.name}: {key}={value} is not one of {allowed}")
            if "AllowedPattern" in rule and not re.fullmatch(rule["AllowedPattern"], value):
                raise Refused(f"{self.name}: {key}={value} does not match {rule['AllowedPattern']}")
            if len(value) < rule.get("MinLength", 0):
                raise Refused(f"{self.name}: {key} is too short")
            if rule["Type"] == "Number":
                number = float(value)
                if not rule.get("MinValue", number) <= number <= rule.get("MaxValue", number):
                    raise Refused(f"{self.name}: {key}={value} is out of bounds")
            values[key] = value
        return values

    def _rules(self):
        for key, rule in self.template.get("Rules", {}).items():
            if self._value(rule.get("RuleCondition", True)):
                for assertion in rule["Assertions"]:
                    if not self._value(assertion["Assert"]):
                        raise Refused(f"{self.name}: {key}: {assertion['AssertDescription']}")

    def _holds(self, body):
        return "Condition" not in body or self._condition(body["Condition"])

    def _condition(self, name):
        return self._value(self.template["Conditions"][name])

    def _value(self, value):
        if isinstance(value, list):
            return [item for item in map(self._value, value) if item is not _NOTHING]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            (key, argument), = value.items()
            if key == "Ref":
                return self._ref(argument)
            if key == "Condition" and isinstance(argument, str):
                return self._condition(argument)
            if key.startswith("Fn::"):
                return getattr(self, "_" + key[4:].lower())(argument)
        result = {key: self._value(item) for key, item in value.items()}
        return {key: item for key, item in result.items() if item is not _NOTHING}

    def _ref(self, name):
        pseudo = {"AWS::Region": self.region, "AWS::AccountId": "111122223333", "AWS::Partition": "aws", "AWS::StackName": self.name, "AWS::NoValue": _NOTHING}
        if name in pseudo:
            return pseudo[name]
        if name in self.parameters:
            return self.parameters[name]
        if name not in self.template["Resources"]:
            raise Refused(f"{self.name}: Ref to {name}, which is not there")
        return f"<{self.name}.{name}>"

    def _getatt(self, argument):
        if argument[0] not in self.template["Resources"]:
            raise Refused(f"{self.name}: GetAtt of {argument[0]}, which is not there")
        return f"<{self.name}.{argument[0]}.{argument[1]}>"

    def _findinmap(self, argument):
        name, top, second = map(self._value, argument)
        try:
            return self.template["Mappings"][name][top][second]
        except KeyError as missing:
            raise Refused(f"{self.name}: the mapping {name} has no {missing}") from missing

    def _sub(self, text):
        return re.sub(r"\$\{([^}!]+)\}", lambda found: str(self._getatt(found[1].split(".", 1)) if "." in found[1] else self._ref(found[1])), text)

    def _importvalue(self, argument):
        name = self._value(argument)
        if name not in self.exports:
            raise Refused(f"{self.name}: nothing exports {name}")
        self.imports.append(name)
        return self.exports[name]

    def _join(self, argument):
        return argument[0].join(map(str, self._value(argument[1])))

    def _split(self, argument):
        return self._value(argument[1]).split(argument[0])

    def _select(self, argument):
        return self._value(argument[1])[int(argument[0])]

    def _getazs(self, _argument):
        return [self.region + "a", self.region + "b"]

    def _if(self, argument):
        return self._value(argument[1 if self._condition(argument[0]) else 2])

    def _equals(self, argument):
        left, right = map(self._value, argument)
        return str(left) == str(right)

    def _not(self, argument):
        return not self._value(argument[0])

    def _and(self, argument):
        return all(map(self._value, argument))

    def _or(self, argument):
        return any(map(self._value, argument))

    def _contains(self, argument):
        return str(self._value(argument[1])) in map(str, self._value(argument[0]))

    def _base64(self, argument):
        return self._value(argument)
