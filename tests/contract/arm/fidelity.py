"""What the simulated AKS does as the real one: each behaviour, whence it is known, and its test."""

from msgspec import Struct


class Behaviour(Struct, frozen=True):
    """One row of docs/azure-fidelity.md. `test` is a module of this folder and a function in it;
    `seen` is whether an answer of the real service shows the behaviour, and not only a text."""

    what: str
    source: str
    test: str
    seen: bool = True


def _cli(recording: str, year: int) -> str:
    return f"azure-cli, recordings/test_aks_{recording}.yaml ({year})"


_NODEPOOL = "learn.microsoft.com/azure/aks/"

BEHAVIOURS = (
    Behaviour(
        "A creation answers 201 `Creating`, an update 200, with `Azure-AsyncOperation` alone",
        _cli("nodepool_add_with_ossku", 2024),
        "test_wire.test_creating_a_pool",
    ),
    Behaviour(
        "A deletion answers 202 without a body, with `Azure-AsyncOperation` and `Location`; of an "
        "absent pool 204",
        _cli("nodepool_create_scale_delete", 2023),
        "test_wire.test_deleting_a_pool",
    ),
    Behaviour(
        "An abort answers 202 with the pool; the operation it ends and the pool are `Canceled`",
        _cli("nodepool_abort", 2023),
        "test_wire.test_aborting_an_operation",
    ),
    Behaviour(
        "A list of pools has a `nextLink` to a page that may be empty",
        _cli("nodepool_delete_machines", 2024),
        "test_wire.test_listing_pools_leads_to_an_empty_second_page",
    ),
    Behaviour(
        "A failed operation answers 200 with `error`, and leaves the pool `Failed`",
        "Azure/azure-cli issues",
        "test_wire.test_an_operation_that_fails",
    ),
    Behaviour(
        "A new OS SKU answers 200 `Upgrading` and shows the new OS SKU and node image version at "
        "once, while the nodes run the old ones; an alias of a version is kept; a pool made with "
        "its cluster shows a maxSurge and no scaleDownMode",
        _cli("update_agentpool_os_sku", 2024),
        "test_exchanges.test_an_os_sku_is_changed_in_place",
    ),
    Behaviour(
        "deleteMachines neither cordons nor drains; the count falls by the number of machines",
        _cli("nodepool_delete_machines", 2024),
        "test_exchanges.test_machines_are_deleted_without_a_drain",
    ),
    Behaviour(
        "The status of a running creation is free text with the nodes that are there; the "
        "api-version in its URL is the service's own",
        _cli("nodepool_add_with_ossku_ubuntu2404", 2025),
        "test_exchanges.test_the_status_of_a_creation_is_free_text",
    ),
    Behaviour(
        "An operation's `name` is the GUID of its URL with its first three groups byte-swapped",
        _cli("nodepool_abort", 2023),
        "test_exchanges.test_a_recorded_operation_is_named_by_the_swapped_guid_of_its_url",
    ),
    Behaviour(
        "Scaling shows the new count at once; tags are replaced as a whole, in an operation of "
        "their own; a pool that is made by a PUT shows `upgradeSettings` {}",
        _cli("nodepool_create_scale_delete", 2023),
        "test_exchanges.test_a_pool_is_scaled_tagged_and_deleted",
    ),
    Behaviour(
        "A count below the autoscaler's minimum is taken, and raised afterwards",
        _cli("nodepool_autoscaler_then_update", 2023),
        "test_exchanges.test_a_count_below_the_autoscalers_bounds_is_taken_and_raised",
    ),
    Behaviour(
        "The answers to a stop and to its abort show a count of 0; reads show the old one",
        _cli("nodepool_abort", 2023),
        "test_exchanges.test_a_stop_shows_a_count_that_the_next_read_contradicts",
    ),
    Behaviour(
        "Refused: maxSurge and maxUnavailable of Spot pools, System pools below 2 vCPUs or 4 GB, "
        "more nodes than outbound ports, a locked node resource group",
        "jenkins-infra/azure#730, terraform-provider-azurerm#19355 and #31129, "
        "jenkins-infra/helpdesk#4046, Azure/AKS#3291",
        "test_exchanges.test_a_recorded_refusal",
    ),
    Behaviour(
        "Refused: a patch version that AKS has withdrawn; pools that have it keep it",
        "mspnp/aks-baseline#367",
        "test_unkind.test_an_alias_is_the_newest_patch_on_offer_and_pools_keep_a_removed_one",
    ),
    Behaviour(
        "A failed operation wraps its cause: in Compute's text, in a code without quotes, in "
        "`details`, as a throttle or as an internal error",
        "Azure/AKS#2417 and #2720, karpenter-provider-azure#192, azure-docs#87348, "
        "jenkins-infra/helpdesk#3584",
        "test_unkind.test_a_failed_operation_wraps_its_cause",
    ),
    Behaviour(
        "An upgrade whose own drain does not end fails with `UpgradeFailed`, and its text names a "
        "429 of the apiserver; the nodes that it could not drain are schedulable again",
        "learn.microsoft.com/troubleshoot/azure/azure-kubernetes, error-code-poddrainfailure; the "
        "SDK on UndrainableNodeBehavior",
        "test_unkind.test_an_upgrade_whose_drain_does_not_end_names_too_many_requests",
    ),
    Behaviour(
        "A change of one pool is refused with 409 now and then while another pool is changed",
        "cilium/cilium#25944, terraform-azurerm-avm-ptn-aks-production#25 (the text); how often: "
        "an assumption",
        "test_unkind.test_a_change_is_refused_now_and_then_while_another_pool_is_changed",
    ),
    Behaviour(
        "On a System pool, deleteMachines moves AKS's own add-ons within their budgets first",
        "Azure/AKS release notes 2025-07-20",
        "test_unkind.test_on_a_system_pool_only_the_add_ons_are_moved_before_machines_are_deleted",
        seen=False,
    ),
    Behaviour(
        "With scaleDownMode Deallocate, nodes stay registered, NotReady, and are the first to come "
        "back",
        f"{_NODEPOOL}scale-down-mode",
        "test_unkind.test_deallocated_nodes_stay_and_come_back_first",
        seen=False,
    ),
    Behaviour(
        "deleteMachines ends machines for good, whatever the scaleDownMode",
        f"{_NODEPOOL}delete-node-pool",
        "test_unkind.test_deleted_machines_are_gone_whatever_the_scale_down_mode",
        seen=False,
    ),
    Behaviour(
        "AzureLinux3 is refused from Kubernetes 1.37 on; pools that have it keep it",
        f"{_NODEPOOL}upgrade-os-version (the code and the text: an assumption)",
        "test_unkind.test_azure_linux_3_ends_before_kubernetes_1_37",
        seen=False,
    ),
    Behaviour(
        "A lock on the node resource group lets changes pass that need no node, such as of tags",
        "Azure/AKS#3291 (which changes pass: an assumption)",
        "test_unkind.test_a_lock_on_the_node_resource_group_refuses_what_changes_nodes",
        seen=False,
    ),
    Behaviour(
        "A lock CanNotDelete on the cluster refuses to delete pools, not machines",
        "learn.microsoft.com/azure/azure-resource-manager/management/lock-resources",
        "test_unkind.test_a_lock_on_the_cluster_refuses_deletions_alone",
        seen=False,
    ),
    Behaviour(
        "Spot pools are upgraded without a surge, one node after another",
        f"{_NODEPOOL}upgrade-aks-node-pools-rolling (in which order: an assumption)",
        "test_unkind.test_a_spot_pool_is_upgraded_without_a_surge",
        seen=False,
    ),
    Behaviour(
        "Nodes that an upgrade adds count against address ranges and outbound ports",
        f"{_NODEPOOL}upgrade-cluster",
        "test_unkind.test_surge_nodes_count_for_addresses",
        seen=False,
    ),
)

SAME_TO_THE_SDK = (
    Behaviour(
        "Free text as the status of an operation: the SDK goes on polling, as for `InProgress`",
        _cli("nodepool_add_with_ossku_ubuntu2404", 2025),
        "test_arm.test_the_sdk_waits_for_an_operation_whose_status_is_free_text",
    ),
    Behaviour(
        "AKS's flat error bodies and Azure Resource Manager's wrapped ones: the same code",
        "Azure/azure-cli recordings, azure-core",
        "test_arm.test_flat_and_wrapped_errors_are_the_same_to_the_sdk",
    ),
)
