"""Codes that are about the request itself, as the code of its answer and inside another error."""

import pytest

from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.azure.failures import classify_failure
from azure_linux_migrator.errors import AzureError


@pytest.mark.parametrize(
    ("code", "more", "text"),
    [
        ("BadRequest", (), 'Code="AuthorizationFailed" Message="over scope \'/s\'"'),
        ("BadRequest", ("AuthorizationFailed",), "words"),
        ("CreateVMSSAgentPoolFailed", ("LinkedAuthorizationFailed",), "words"),
    ],
)
def test_a_right_that_is_missing_inside_a_refusal_is_the_clusters(
    code: str, more: tuple[str, ...], text: str
) -> None:
    """Resource Manager refuses the operator's request with that code as its own."""
    failure = classify_failure(AzureError(code, text, status=400, more_codes=more))
    assert failure.reason is Reason.AZURE_FORBIDDEN
    assert "cluster's own identity" in failure.remedy


OF_CLUSTER = (
    "ResourceNotFound",
    "ParentResourceNotFound",
    "ResourceGroupNotFound",
    "SubscriptionNotFound",
)


@pytest.mark.parametrize("code", OF_CLUSTER)
def test_what_a_request_names_is_the_cluster_and_what_it_needs_is_something_else(code: str) -> None:
    assert classify_failure(AzureError(code, "words", status=404)).reason is (
        Reason.CLUSTER_NOT_FOUND
    )
    inside = (
        AzureError("BadRequest", f'Code="{code}" Message="words"', status=400),
        AzureError("BadRequest", "words", status=400, more_codes=(code,)),
        AzureError(code, "words", status=400),
        AzureError("CreateVMSSAgentPoolFailed", f'Code="{code}"', status=200),
        AzureError(code, "words", status=200),
    )
    for error in inside:
        failure = classify_failure(error)
        assert failure.reason is Reason.PARAMETER_REFUSED, error
        assert "that what it names exists" in failure.remedy


@pytest.mark.parametrize(
    "text", ["ERROR CODE: NotFound", "StatusCode: NotFound", "rpc error: code = NotFound desc = x"]
)
@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        ("SubnetNotFound", 400, Reason.PARAMETER_REFUSED),
        ("InvalidResourceReference", 400, Reason.PARAMETER_REFUSED),
        ("BadRequest", 400, Reason.AZURE_REFUSED),
        ("CreateVMSSAgentPoolFailed", 200, Reason.AZURE_REFUSED),
        ("NotFound", 404, Reason.AZURE_CONFLICT),
    ],
)
def test_not_found_says_nothing_inside_another_error(
    code: str, status: int, reason: Reason, text: str
) -> None:
    """Only a pool is answered so; elsewhere it is the status of another service."""
    for more in ((), ("NotFound",)):
        error = AzureError(code, text, status=status, more_codes=more)
        assert classify_failure(error).reason is reason


def test_the_api_version_of_another_services_request_is_not_the_operators() -> None:
    text = "No registered resource provider found for API version '2027-01-01'"
    own = classify_failure(AzureError("NoRegisteredProviderFound", text, status=400))
    assert "AZLM_AKS_API_VERSION" in own.remedy
    inside = f'Code="NoRegisteredProviderFound" Message="{text}"'
    for error in (
        AzureError("CreateVMSSAgentPoolFailed", inside, status=200),
        AzureError("NoRegisteredProviderFound", text, status=200),
        AzureError("BadRequest", inside, status=400),
    ):
        assert "AZLM_AKS_API_VERSION" not in classify_failure(error).remedy
