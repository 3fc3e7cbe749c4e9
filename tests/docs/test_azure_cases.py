"""The page on what Azure does otherwise than one would think: each case, its behaviour, its test.

AZLM_WRITE_DOCS=1 writes the page; otherwise it is compared.
"""

import os
from collections.abc import Iterator

from azure_linux_migrator.core.preflight.findings import Severity
from tests.docs.pages import DOCS, ROOT
from tests.support.cluster_shapes import SHAPES, ShapedCluster, cluster_of

PAGE = DOCS / "azure-cases.md"
RULES = "unit/core/test_preflight_rules.py"
AZURE = "unit/core/test_preflight_azure.py"
BODIES = "unit/azure/test_fact_bodies.py"
FACTS = "unit/azure/test_facts.py"
FAILURES = "unit/azure/test_failures.py"
HAND_OVER = "unit/azure/test_hand_over.py"
PLAN = "unit/azure/test_terraform_plan.py"
ROLES = "unit/azure/test_roles.py"
SECURITY = "unit/core/test_security_profile.py"
ELASTIC = "unit/core/test_elastic_target.py"
IN_PLACE = "unit/core/test_in_place.py"
ALARMS = "cases/test_false_alarms.py"
SPEAKS = (RULES, "test_the_rule_reports_its_finding")
ERRORS = "docs/test_azure_errors.py"

Row = tuple[str, str, tuple[str, str]]
CASES: dict[str, tuple[Row, ...]] = {
    "Terraform and Bicep": (
        (
            "the source is the `default_node_pool` of its cluster",
            "its block is changed; no resource, no import, nothing removed from the state",
            (HAND_OVER, "test_the_default_node_pool_is_changed_in_its_block_and_nothing_else"),
        ),
        (
            "a System pool whose cluster Terraform may have made",
            "`iac.owner` warns: do not apply before the old pool is gone and the name is changed",
            (
                RULES,
                "test_when_the_code_of_a_pool_is_changed_depends_on_what_becomes_of_the_pool",
            ),
        ),
        (
            "a `default_node_pool` that is still there, also for good (`sourcePool: Keep`)",
            "the text says that nothing is changed while it is: the new name replaces the cluster",
            (PLAN, "test_while_the_old_pool_stays_the_block_is_left_as_it_is"),
        ),
        (
            "another System pool that comes first in the list",
            "the text says how the provider takes the new pool for the default one",
            (PLAN, "test_another_system_pool_is_out_of_the_way_while_the_state_is_refreshed"),
        ),
        (
            "a User pool",
            "a resource with everything that can be set, its import, and a `removed` block",
            (HAND_OVER, "test_every_argument_that_would_replace_or_rotate_the_pool_is_there"),
        ),
        (
            "a plan after that",
            "removes azlm's tags and does nothing else",
            (PLAN, "test_a_plan_of_a_user_pool_removes_azlms_tags_and_does_nothing_else"),
        ),
        (
            "a drain timeout without maxSurge",
            "gets the surge that the provider requires: without the block the pool is replaced",
            (
                PLAN,
                "test_a_drain_timeout_without_a_surge_gets_the_one_that_the_provider_requires",
            ),
        ),
        (
            "a setting that the provider does not know",
            "is reported; where the provider refuses the pool, no resource is printed",
            (
                HAND_OVER,
                "test_what_the_provider_cannot_express_is_said_and_no_resource_is_printed",
            ),
        ),
        (
            "a new property of the API",
            "fails the tests until Terraform, Bicep and the copy have an answer",
            (HAND_OVER, "test_every_property_of_a_pool_is_an_argument_or_said_not_to_be"),
        ),
        (
            "Bicep",
            "has every property that can be set",
            (HAND_OVER, "test_bicep_has_every_property_that_can_be_set"),
        ),
    ),
    "Rights": (
        (
            "roles",
            "two: one changes pools, one reads what the checks need; each action has its reason",
            (ROLES, "test_every_action_of_the_roles_is_explained"),
        ),
        (
            "a role on too narrow a scope",
            "`rbac.arm` names the scope; it does not ask for the role that is assigned",
            (AZURE, "test_a_role_on_too_narrow_a_scope_is_told_from_no_role"),
        ),
        (
            "one read is forbidden",
            "the others count; its check is Unchecked",
            (FACTS, "test_a_part_that_is_forbidden_says_so_and_the_others_are_read"),
        ),
        (
            "the right to join a subnet is missing",
            "the action and the scope that Azure names are quoted",
            (ROLES, "test_a_refused_right_quotes_the_action_and_the_scope"),
        ),
        (
            "identity, roles and federated credential",
            "a Bicep and a Terraform module make them in one command",
            (ROLES, "test_the_bicep_module_makes_what_the_role_page_says"),
        ),
    ),
    "Failures": (
        (
            "a throttle of Compute inside a failed operation",
            "waited for, and no failure for `spec.onFailure`",
            (FAILURES, "test_a_throttle_of_compute_is_waited_for_and_never_rolls_back"),
        ),
        (
            "an internal error of AKS",
            "tried again",
            (FAILURES, "test_the_text_of_a_failed_operation_tells_its_cause"),
        ),
        (
            "the cause is a code in the details",
            "that code decides",
            (FAILURES, "test_the_code_in_the_details_of_a_failed_operation_decides"),
        ),
        (
            "the cause is a text in the details",
            "it decides, and an admin reads it",
            (FAILURES, "test_the_text_in_the_details_decides_where_its_code_says_nothing"),
        ),
        (
            "a budget that AKS's own drain finds closed, with `Too Many Requests`",
            "is no throttle: `DrainFailedInAzure`",
            (IN_PLACE, "test_a_change_that_fails_for_what_passes_by_itself_is_asked_for_again"),
        ),
        (
            "a right that the cluster's own identity lacks",
            "the remedy names that identity, not the operator's",
            (FAILURES, "test_a_right_that_an_operation_lacks_is_the_clusters"),
        ),
        (
            "every text and code that is known",
            "the table of [errors](azure-errors.md)",
            (ERRORS, "test_every_error_is_known_and_what_waits_for_an_admin_has_a_remedy"),
        ),
    ),
    "Addresses, ports and quota": (
        (
            "the source's autoscaler",
            "is held before the target is made, so that it counts as it is",
            (ELASTIC, "test_the_source_is_held_before_the_target_is_made"),
        ),
        (
            "the node subnet",
            "nodes at maxCount, pods, surge, and other residents of the subnet",
            (AZURE, "test_a_node_subnet_holds_nodes_pods_surge_and_other_residents"),
        ),
        (
            "the pod subnet",
            "in batches of 16 addresses",
            (AZURE, "test_a_pod_subnet_gives_addresses_in_batches"),
        ),
        (
            "fixed outbound ports",
            "of all pools at their most nodes, surge included: `outbound.ports`",
            SPEAKS,
        ),
        (
            "Spot pools",
            "the quota of low-priority cores, and no other",
            (AZURE, "test_spot_pools_have_a_quota_of_their_own"),
        ),
        (
            "maxPods below 30",
            "a first target that cannot hold 30 pods is reported: `pool.max-pods`",
            SPEAKS,
        ),
        ("the most pools of a cluster", "as the cluster shows (maxAgentPools)", SPEAKS),
        ("other disks of another VM size", "ephemeral OS disk and data disks: `vm.disks`", SPEAKS),
    ),
    "Versions and images": (
        (
            "a patch version that AKS no longer offers",
            "the newest offered patch of that minor version, up to the control plane's",
            (AZURE, "test_a_withdrawn_patch_is_replaced_and_a_withdrawn_minor_blocks"),
        ),
        (
            "an alias of a version, such as 1.34",
            "is passed on where AKS makes a version of it that works; the finding names it",
            (AZURE, "test_an_alias_is_passed_on_where_aks_makes_a_version_of_it_that_works"),
        ),
        (
            "a control plane that is older than every patch on offer",
            "blocks, and the remedy upgrades the control plane first",
            (
                AZURE,
                "test_a_patch_that_the_control_plane_is_too_old_for_needs_the_control_plane_first",
            ),
        ),
        (
            "Kubernetes 1.37 and newer",
            "AzureLinux is a preview there, and AzureLinux3 has to be left before",
            (AZURE, "test_from_kubernetes_1_37_on_azure_linux_is_a_preview_of_4_0"),
        ),
        (
            "a source whose images were removed",
            "`os.source-image` warns where a rollback or a scale-up needs them",
            SPEAKS,
        ),
        (
            "GPU sizes",
            "by series and date; no AMD, FPGA and RTX PRO 6000",
            (RULES, "test_gpus_without_an_image_are_refused_at_any_time"),
        ),
        (
            "SGX sizes (DCsv2, DCsv3)",
            "are no confidential VMs",
            (AZURE, "test_enclaves_do_not_make_a_confidential_vm"),
        ),
        (
            "AzureContainerLinux from an ordinary pool",
            "`spec.target.securityProfile` switches Secure Boot and vTPM on",
            (
                SECURITY,
                "test_an_ordinary_pool_moves_to_azure_container_linux_with_both_switched_on",
            ),
        ),
        (
            "its limits",
            "Arm64 below v6, Arm64 with GPU, generation 1, no Trusted Launch",
            (SECURITY, "test_azure_container_linux_has_no_image_for"),
        ),
        (
            "its upgrade channels",
            "NodeImage and None: another one is reported",
            (SECURITY, "test_channels_that_do_not_update_azure_container_linux"),
        ),
        (
            "Secure Boot or vTPM with FIPS",
            "there is no such image, even with one of both",
            (
                SECURITY,
                "test_one_of_both_is_enough_for_the_trusted_launch_image_that_fips_has_not",
            ),
        ),
    ),
    "Pools and strategies": (
        (
            "InPlace and maxSurge",
            "only the OS SKU is sent; the pool's own settings stay",
            (IN_PLACE, "test_the_upgrade_settings_of_the_pool_stay_as_they_are"),
        ),
        ("what AKS cannot change in place", "`pool.in-place` blocks", SPEAKS),
        (
            "a Node Disruption Policy (preview)",
            "reported for InPlace, where the API version shows it",
            (RULES, "test_the_node_disruption_policy_concerns_a_change_in_place_only"),
        ),
        (
            "scaleDownMode Deallocate",
            "blocks Rolling and ScaleToZero, whose nodes would stay registered",
            (RULES, "test_a_pool_that_deallocates_may_be_deleted_as_a_whole"),
        ),
        (
            "a System pool of a B size or 2 vCPUs",
            "warns; blocks only where AKS refuses it",
            (RULES, "test_a_burstable_system_pool_is_refused_only_where_aks_refuses_it"),
        ),
        (
            "System pools of AKS Automatic, which no list shows",
            "count for the two nodes that AKS asks for",
            (RULES, "test_system_pools_out_of_sight_do_for_the_second_node"),
        ),
        (
            "locks",
            "on the node resource group they block at once",
            (AZURE, "test_a_lock_counts_by_what_it_refuses"),
        ),
        (
            "identities assigned to the scale set by hand",
            "are reported, but for those of AKS",
            (BODIES, "test_identities_of_aks_are_not_those_that_somebody_assigned"),
        ),
        (
            "disks, backend pools and security groups attached to the scale set by hand",
            "are reported, but for those of AKS",
            (BODIES, "test_what_was_attached_to_the_scale_set_outside_of_aks"),
        ),
        (
            "a priority expander that names pools",
            "reported with the entry to extend, also in `status.handOver`",
            (
                "cases/test_expander.py",
                "test_a_new_name_that_no_pattern_matches_is_reported_with_the_entry_to_extend",
            ),
        ),
        (
            "AKS enabled by Azure Arc, as on Azure Local",
            "recognised: its Linux nodes run Azure Linux already",
            (
                "unit/core/test_azure_local.py",
                "test_it_is_reported_before_azure_is_asked_for_pools_that_it_does_not_have",
            ),
        ),
        (
            "a sovereign cloud that has an older API version",
            "`AZLM_AKS_API_VERSION`",
            (FACTS, "test_a_cloud_that_lags_is_asked_in_the_api_version_that_it_has"),
        ),
    ),
    "No false alarm": (
        (
            "application security groups of the pool's own networkProfile",
            "are not reported as attached by hand: the new pool gets them",
            (BODIES, "test_security_groups_of_the_pool_itself_are_not_attached_outside_of_aks"),
        ),
        (
            "a disk, an identity or a backend pool of a scale set that InPlace keeps",
            "is not reported",
            (RULES, "test_in_place_the_scale_set_keeps_what_is_on_it"),
        ),
        (
            "managed Prometheus mounts both certificate paths",
            "what AKS installs is not judged, nor what mounts the paths of both OSes",
            (RULES, "test_what_mounts_the_certificates_of_both_oses_is_made_for_both"),
        ),
        (
            "kube-proxy mounts kernel modules",
            "what AKS installs is not judged by its traits",
            (RULES, "test_what_aks_installs_is_not_judged_by_its_traits"),
        ),
        (
            "add-ons of AKS with one replica or a cache on an emptyDir",
            "are reported in one line: nobody but AKS can change them",
            (ALARMS, "test_add_ons_with_one_replica_are_reported_in_one_line"),
        ),
        (
            "Calico, Datadog, Falco, node exporters",
            "what mounts the package directories of both OSes is made for both",
            (ALARMS, "test_agents_that_know_both_oses_are_not_reported"),
        ),
        (
            "tags such as season=winter",
            "code is recognised by whole words, not by letters",
            (ALARMS, "test_code_is_recognised_by_whole_words"),
        ),
        (
            "a cluster that brings its own CNI; outbound addresses of IPv6",
            "pods have the CNI's addresses; only IPv4 has SNAT ports",
            (ALARMS, "test_a_network_has_the_room_that_it_has"),
        ),
        (
            "outbound addresses from a prefix, whose number Azure does not show",
            "`outbound.ports` is Unchecked",
            (ALARMS, "test_outbound_addresses_of_a_prefix_are_not_guessed"),
        ),
        (
            "without a migration file",
            "`azlm preflight --pool NAME` or `--all-pools`",
            (
                "e2e/test_preflight_command.py",
                "test_every_pool_is_checked_without_a_migration",
            ),
        ),
        (
            "ten shapes that clusters commonly have",
            "nothing blocks, and at most two warnings are of no use",
            (
                "cases/test_cluster_shapes.py",
                "test_a_common_cluster_is_clear_and_little_is_noise",
            ),
        ),
    ),
}

HEAD = """# Azure, case by case

Written by `tests/docs/test_azure_cases.py`. What Azure does otherwise than one would think, what
azlm does about it, and the test that shows it (below `tests/`).
"""


def shapes() -> Iterator[str]:
    """What a preflight of all pools reports of each shape."""
    yield from ("| cluster | pools | blocks | warnings |", "|---|---|---|---|")
    for shape in SHAPES:
        yield _shape(shape)


def _shape(shape: ShapedCluster) -> str:
    cluster = cluster_of(shape)
    blocks, warnings = 0, set()
    for pool in cluster.pools():
        for finding in cluster.preflight(source={"nodePool": pool}).findings or ():
            blocks += finding.blocks
            if finding.severity is Severity.WARN:
                warnings.add(f"`{finding.rule}` ({finding.subject})")
    warned = ", ".join(sorted(warnings)) or "none"
    return f"| {shape.name} | {len(cluster.pools())} | {blocks} | {warned} |"


def page() -> str:
    lines = [HEAD.rstrip()]
    for title, rows in CASES.items():
        lines += ["", f"## {title}", "", "| case | what azlm does | test |", "|---|---|---|"]
        lines += [f"| {case} | {does} | `{file}::{test}` |" for case, does, (file, test) in rows]
    lines += ["", "## Ten shapes of clusters", "", "`azlm preflight --all-pools` on each:", ""]
    return "\n".join([*lines, *shapes()]) + "\n"


def test_the_page_lists_each_case_and_the_findings_of_each_shape() -> None:
    text = page()
    if os.environ.get("AZLM_WRITE_DOCS"):
        PAGE.write_text(text)
    assert PAGE.read_text() == text, "run it with AZLM_WRITE_DOCS=1"


def test_every_test_that_the_page_names_exists() -> None:
    named = [row[2] for rows in CASES.values() for row in rows]
    missing = [
        f"{file}::{test}"
        for file, test in named
        if f"def {test}(" not in (ROOT / "tests" / file).read_text()
    ]
    assert missing == []
