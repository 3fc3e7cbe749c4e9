"""What Azure's refusals mean: may it be tried again, when, and what can an admin do?

Azure's own codes decide, not the HTTP status: AKS answers 409 both for a pool that exists and for
an operation that runs, and a failed operation arrives with status 200. A refusal has several codes:
its own, a subcode, those of its details, and those of other services in its text. The innermost
one that is known decides; where a code says nothing (OperationNotAllowed), the text does. Some
codes are about the cluster or the operator only as a refusal's own (azure.nested_codes).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.azure.failure_codes import (
    CODES,
    DRAIN_FAILED,
    EXEMPTION,
    FAMILIES,
    FEATURE,
    LABELS,
    MORE_ADDRESSES,
    MORE_QUOTA,
    OTHER_SIZE,
    SERVICE_PRINCIPAL,
    SYSTEM_POOL,
    UNLOCK,
    WRITER_ROLE,
    FailureClass,
    waits,
)
from azure_linux_migrator.azure.nested_codes import NESTED, OF_URL, RIGHTS, URL_STATUSES
from azure_linux_migrator.azure.roles import WRITER_ACTIONS
from azure_linux_migrator.errors import AzureError

_TEXTS: tuple[tuple[str, FailureClass], ...] = (
    # AKS's own drain, whose evictions the apiserver refuses with 429: before the throttles.
    (
        r"debugdrainfailures|failed when evicting pod|failed to be drained|drain did not complete",
        DRAIN_FAILED,
    ),
    (
        r"too many requests|\bStatus=429\b",
        FailureClass(Reason.AZURE_THROTTLED, True, 30.0),
    ),
    (
        r"exceed(?:ing)? (?:approved .{1,60}|the )?quota|insufficient (?:\w+ )?vcpu quota",
        waits(Reason.QUOTA_EXCEEDED, MORE_QUOTA),
    ),
    (r"is locked, please remove lock", waits(Reason.SCOPE_LOCKED, UNLOCK)),
    (r"at least one system agent pool", waits(Reason.LAST_SYSTEM_POOL, SYSTEM_POOL)),
    (
        r"VM size .{1,80} is not allowed in your subscription",
        waits(Reason.PARAMETER_REFUSED, OTHER_SIZE),
    ),
    (r"Invalid node label", waits(Reason.PARAMETER_REFUSED, LABELS)),
    (
        r"feature is not enabled for this subscription",
        waits(Reason.PARAMETER_REFUSED, FEATURE),
    ),
    (
        r"not have enough capacity for \d+ IP addresses",
        waits(Reason.SUBNET_TOO_SMALL, MORE_ADDRESSES),
    ),
    (r"disallowed by policy", waits(Reason.POLICY_DENIED, EXEMPTION)),
    (r"AADSTS7000222", waits(Reason.AZURE_FORBIDDEN, SERVICE_PRINCIPAL)),
    (
        r"not in Succeeded state\W+Resource is in Failed state|is in Failed state\W+It needs to be",
        waits(
            Reason.AZURE_REFUSED,
            "repair the resource that it names, which stays in that state "
            "(learn.microsoft.com/azure/networking/troubleshoot-failed-state)",
        ),
    ),
    (
        r"while (?:the )?cluster is in a failed state",
        waits(Reason.AZURE_REFUSED, "bring the cluster back first: aka.ms/aks-cluster-failed"),
    ),
)
"""What a text says, whatever its codes."""
_INTERNAL_TEXT = re.compile(
    r"\binternal (?:\w+ )?error\b|please retry later|context deadline exceeded|"
    r"Category: InternalError|Retriable: true",
    re.IGNORECASE,
)
_UNAUTHENTICATED = 401
_FAILED_OPERATION = 200
"""The status of an operation that failed after it had been accepted."""
_ACTION = re.compile(r"perform action(?:\(s\))? '([^']+)'")
_SCOPE = re.compile(r"scope(?:\(s\))? '([^']+)'")
_CODE = re.compile(r"""\b\w*code[\\"']*\s*[=:]\s*[\\"']*([A-Za-z_]\w{3,})""", re.IGNORECASE)
"""A code in a text: `Code="X"`, `\"internalErrorCode\":\"X\"`, `SubCode: X`."""


def classify_failure(error: AzureError) -> FailureClass:
    """What to do about it; Azure's own Retry-After goes before the delay of the table."""
    failure = _classify(error)
    timed = failure.retryable and failure.reason not in {
        Reason.AZURE_CONFLICT,
        Reason.DRAIN_FAILED_IN_AZURE,
    }
    return replace(failure, delay=error.retry_after) if timed and error.retry_after else failure


def _classify(error: AzureError) -> FailureClass:
    if error.status != _UNAUTHENTICATED:
        for pattern, meaning in _TEXTS:
            if re.search(pattern, error.message, re.IGNORECASE):
                return meaning
    codes = [*reversed(_CODE.findall(error.message)), *reversed(error.more_codes), error.code]
    for code in codes:
        failure = _by_code(code, error)
        if failure is not None and not (
            failure.reason is Reason.AZURE_UNAVAILABLE and error.status >= 500
        ):
            return failure
    if _INTERNAL_TEXT.search(error.message):
        return FailureClass(Reason.AZURE_UNAVAILABLE, True, 60.0)
    if error.code == "DeleteVMSSAgentPoolFailed":
        return DRAIN_FAILED
    return _by_status(error)


def codes_in(body: object) -> Iterator[str]:
    """The codes of an error as ARM returns it, the outermost first: `code`, `subcode`, and those of
    `details` and `innererror`."""
    if not isinstance(body, Mapping):
        return
    for name in ("code", "subcode"):
        if value := body.get(name):
            yield str(value)
    for detail in body.get("details") or ():
        yield from codes_in(detail)
    for inner in ("error", "innererror"):
        yield from codes_in(body.get(inner))


def message_of(body: object) -> str:
    """The texts of an error as ARM returns it, the outermost first: a wrapper says little, and what
    its details say decides where their codes do not."""
    texts = dict.fromkeys(_texts_in(body))
    whole = "; ".join(texts)
    return next((text for text in texts if all(other in text for other in texts)), whole)


def _texts_in(body: object) -> Iterator[str]:
    if not isinstance(body, Mapping):
        return
    if text := str(body.get("message") or "").strip():
        yield text
    for inner in (*(body.get("details") or ()), body.get("error"), body.get("innererror")):
        yield from _texts_in(inner)


def _by_code(code: str, error: AzureError) -> FailureClass | None:
    """What a code says; None for one that says nothing."""
    name = code.lower()
    nested = not _answers_the_request(code, error)
    failure = NESTED[name] if nested and name in NESTED else CODES.get(name)
    if name in RIGHTS and failure is not None:
        return replace(failure, remedy=_right_to_give(error, nested=nested) or failure.remedy)
    if failure is None:
        return next((meaning for pattern, meaning in FAMILIES if re.search(pattern, name)), None)
    return failure


def _answers_the_request(code: str, error: AzureError) -> bool:
    """It is the own code of a refusal, and so about the operator's request. With status 400 AKS
    says what is not found of that to which the request's body refers."""
    own = code == error.code and error.status != _FAILED_OPERATION
    return own and (code.lower() not in OF_URL or error.status in URL_STATUSES)


def _right_to_give(error: AzureError, *, nested: bool) -> str:
    """What to assign where, if Azure names the action and the scope: the last of each is the one
    that is missing (a linked scope follows the scope of the request). Nested, it is a right of the
    cluster's identity, with which AKS acts, not of the operator's."""
    actions, scopes = _ACTION.findall(error.message), _SCOPE.findall(error.message)
    if not actions or not scopes:
        return ""
    if nested:
        return (
            "AKS acts with the cluster's own identity (az aks show --query identity): give it "
            f"{actions[-1]} on {scopes[-1]}"
        )
    right = f"give the operator's identity {actions[-1]} on {scopes[-1]}"
    has_it = actions[-1].lower() in {action.lower() for action in WRITER_ACTIONS}
    return f"{right}: the writer role of docs/azure-role.md has it" if has_it else right


def _by_status(error: AzureError) -> FailureClass:
    if error.status in _STATUSES:
        return _STATUSES[error.status]
    if error.status >= 500 or error.status in {0, 408}:
        return FailureClass(Reason.AZURE_UNAVAILABLE, True, 2.0)
    if error.status == _FAILED_OPERATION:
        return waits(Reason.AZURE_REFUSED, "act on what it says, or ask Azure's support")
    return waits(Reason.AZURE_REFUSED, "change the spec accordingly")


_STATUSES = {
    429: FailureClass(Reason.AZURE_THROTTLED, True, 10.0),
    409: FailureClass(Reason.AZURE_BUSY, True, 2.0),
    412: FailureClass(Reason.AZURE_CONFLICT, True, 1.0),
    401: FailureClass(
        Reason.AZURE_UNAUTHENTICATED, True, 30.0, "check the operator's workload identity"
    ),
    403: waits(Reason.AZURE_FORBIDDEN, WRITER_ROLE),
}
