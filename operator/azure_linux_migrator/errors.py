"""The errors of azlm, one tree:

AzlmError
├── SettingsError        a flag, variable or file that has to be fixed before a start
├── KubernetesError      an answer of the Kubernetes API with status >= 400, or none at all
├── AzureError           a classified refusal or failure of Azure (see azure/failures.py)
├── InUseError           machines are not deleted, because pods run on them after all
└── NotLeadingError      nothing was sent, because this process does not hold the Lease any more
"""

from typing import Any


class AzlmError(Exception):
    """Base of every error that azlm raises on purpose; its text is fit to be shown to an admin."""


class SettingsError(AzlmError):
    """What was configured cannot work; the text names the setting and the remedy."""


LONGEST_ASKED = 300.0
"""Seconds. A Retry-After that asks for more is no answer of the apiserver's own."""


class KubernetesError(AzlmError):
    """The Kubernetes API refused or failed. `status` is 0 where no answer came."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        body: dict[str, Any] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.body = body or {}
        self.retry_after = retry_after

    @property
    def reason(self) -> str:
        """The machine-readable reason of a metav1.Status, or an empty string."""
        return str(self.body.get("reason") or "")

    def delayed(self, seconds: float) -> float:
        """Seconds until the request may be repeated: those given, or those of Retry-After where it
        asks for more."""
        return max(seconds, min(self.retry_after or 0.0, LONGEST_ASKED))

    @property
    def causes(self) -> tuple[dict[str, Any], ...]:
        """`details.causes` of a metav1.Status."""
        return tuple((self.body.get("details") or {}).get("causes") or ())


class InUseError(AzlmError):
    """Nothing was asked of Azure: pods that have not moved are on the nodes, as the text says."""


class NotLeadingError(AzlmError):
    """Nothing was sent: this process does not hold the Lease, and another one may."""

    def __init__(self) -> None:
        super().__init__("the Lease is not held any more: nothing is changed")


class AzureError(AzlmError):
    """Azure refused or failed. `code` is Azure's own error code, or `Unreachable`; `more_codes` are
    those inside it, such as the subcode and those of its details, the outermost first."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int = 0,
        retry_after: float | None = None,
        more_codes: tuple[str, ...] = (),
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.retry_after = retry_after
        self.more_codes = more_codes
