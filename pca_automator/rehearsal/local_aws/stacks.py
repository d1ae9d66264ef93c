"""Stacks as CloudFormation knows them, where MiniStack differs.

* A stack that is gone is known by its id, with events and template; MiniStack forgets it with the next of its name.
* Names that CloudFormation gives are those of one stack: the next stack of the same name gets others, and what the
  former one has left is not in its way. MiniStack makes them of the stack's name, and a table would be taken over.
* DescribeStackResources says which stack a physical id belongs to.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListStacks.html
"""

# MiniStack carries no types.
# mypy: disable-error-code="import-untyped"
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ministack.core.responses import AccountRegionScopedDict
from ministack.services import cloudformation
from ministack.services.cloudformation import handlers, provisioners

from pca_automator.rehearsal.local_aws.facts import account
from pca_automator.rehearsal.local_aws.facts.ledger import LEDGER
from pca_automator.rehearsal.local_aws.patching import replace


def install() -> None:
    """Let MiniStack's stacks, which its modules have taken by reference, keep what they replace; and name anew."""
    cloudformation._stacks.__class__ = _Remembered
    replace(provisioners, "_physical_name", _of_one_stack)
    log_groups = provisioners._RESOURCE_HANDLERS["AWS::Logs::LogGroup"]
    log_groups["create"] = _named(log_groups["create"])
    log_groups["update"] = _keeping_its_name(log_groups["update"])
    actions = handlers._ACTION_HANDLERS
    actions["DescribeStackResources"] = _by_physical_id(actions["DescribeStackResources"])


class _Remembered(AccountRegionScopedDict):  # type: ignore[misc] # MiniStack carries no types
    """By name the stack that there is, by their ids those that were."""

    __slots__ = ()

    def __setitem__(self, key: str, stack: dict[str, Any]) -> None:
        former = self.get(key)
        if former is not None and former["StackId"] != stack["StackId"]:
            LEDGER.lean(account.FORMER_STACKS)
            super().__setitem__(former["StackId"], {**former, "StackStatus": "DELETE_COMPLETE"})
        super().__setitem__(key, stack)


def _of_one_stack(make: Callable[..., str]) -> Callable[..., str]:
    def physical_name(stack_name: str, logical_id: str, **options: Any) -> str:
        stack = cloudformation._stacks.get(stack_name)
        own = str(stack["StackId"]).rpartition("/")[2] if stack else ""
        # What a replacement has set before is kept.
        token = provisioners._NAME_SEED.set(own + provisioners._NAME_SEED.get())
        try:
            return make(stack_name, logical_id, **options)
        finally:
            provisioners._NAME_SEED.reset(token)

    return physical_name


def _named(create: Callable[..., Any]) -> Callable[..., Any]:
    def create_log_group(logical_id: str, properties: dict[str, Any], stack_name: str) -> Any:
        name = properties.get("LogGroupName") or provisioners._physical_name(stack_name, logical_id, max_len=512)
        return create(logical_id, {**properties, "LogGroupName": name}, stack_name)

    return create_log_group


def _keeping_its_name(update: Callable[..., Any]) -> Callable[..., Any]:
    def update_log_group(name: str, old: dict[str, Any], new: dict[str, Any], *others: Any) -> Any:
        return update(name, {"LogGroupName": name, **old}, {"LogGroupName": name, **new}, *others)

    return update_log_group


def _by_physical_id(describe: Callable[..., Any]) -> Callable[..., Any]:
    def describe_stack_resources(parameters: dict[str, Any]) -> Any:
        wanted = handlers._p(parameters, "PhysicalResourceId")
        if not wanted:
            return describe(parameters)
        for stack in list(cloudformation._stacks.values()):
            held = stack.get("_resources", {}).values()
            if any(each.get("PhysicalResourceId") == wanted for each in held):
                return describe({**parameters, "StackName": [stack["StackId"]]})
        return handlers._error("ValidationError", f"Stack for {wanted} does not exist")

    return describe_stack_resources
