"""The SDK's exceptions as ours; what they mean is for azure.failures to say."""

import json

from azure.core.exceptions import AzureError as SdkError
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError

from azure_linux_migrator.azure.failures import codes_in, message_of
from azure_linux_migrator.errors import AzureError

UNREACHABLE = "Unreachable"
UNAUTHENTICATED = "AuthenticationFailed"


def translate(error: SdkError) -> AzureError:
    """The SDK's exception as ours; the body may be flat (AKS) or wrapped (Resource Manager)."""
    if isinstance(error, ClientAuthenticationError) and error.status_code is None:
        return AzureError(UNAUTHENTICATED, str(error.message), status=401)
    if not isinstance(error, HttpResponseError) or error.status_code is None:
        return AzureError(UNREACHABLE, str(error) or type(error).__name__)
    parsed = error.error
    code = str(parsed.code) if parsed is not None and parsed.code else f"Http{error.status_code}"
    body = _body(error)
    message = message_of(body) or str(error.message)
    headers = getattr(error.response, "headers", None) or {}
    delay = str(headers.get("Retry-After") or "")
    return AzureError(
        code,
        message,
        status=int(error.status_code),
        retry_after=float(delay) if delay.isdecimal() else None,
        more_codes=tuple(codes_in(body))[1:],
    )


def _body(error: HttpResponseError) -> object:
    """The body as it was received; nothing if it is no JSON."""
    try:
        return json.loads(error.response.text()) if error.response is not None else {}
    except ValueError:
        return {}
