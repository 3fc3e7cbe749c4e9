"""The page on Azure's errors: what each recorded text is taken for.

AZLM_WRITE_DOCS=1 writes the page; otherwise it is compared.
"""

import os
from collections.abc import Iterator

import pytest

from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.azure.failure_codes import FailureClass
from azure_linux_migrator.azure.failures import (
    classify_failure,
    codes_in,
    message_of,
)
from azure_linux_migrator.errors import AzureError
from tests.docs.pages import DOCS
from tests.support.azure_codes import CODES, WRAPPERS
from tests.support.azure_failed_operations import ANSWERS, FAILURES
from tests.support.azure_texts import REFUSALS, AzureText

PAGE = DOCS / "azure-errors.md"
HEAD = """# What Azure's errors are taken for

Written by `tests/docs/test_azure_errors.py`. The texts are those of public issues, of recorded
exchanges and of the service's own list of codes, shortened. All codes of an error are looked at:
its own, the subcode, those of its details, and those of other services in its text. The innermost
one that is known decides; where a code says nothing, such as `OperationNotAllowed`, the text does.
Codes such as `ResourceNotFound` and `AuthorizationFailed` are about the cluster and the operator
only as the own code of what is refused at once. Inside another error, or of a failed operation,
they answer a request of AKS, which concerns something that the pool refers to.

An error that is tried again is no failure that `spec.onFailure` acts on. One that is not waits for
an admin: it is looked at again every five minutes, and the remedy is part of the message.
"""


def verdict(answer: AzureText) -> FailureClass:
    """As the operator classifies it."""
    codes = tuple(codes_in(answer.body))
    text = message_of(answer.body)
    return classify_failure(
        AzureError(codes[0], text, status=answer.status or 200, more_codes=codes[1:])
    )


def row(answer: AzureText) -> str:
    judged = verdict(answer)
    codes = list(codes_in(answer.body))
    code = ", ".join(f"`{code}`" for code in dict.fromkeys(codes))
    texts = [answer.text, *(text for _, text in answer.details)]
    text = "; ".join(text for text in texts if text).replace("|", "\\|")
    again = f"after {judged.delay:g} s" if judged.retryable else "no"
    cells = (answer.when, str(answer.status or ""), code, text, f"`{judged.reason}`", again)
    return f"| {' | '.join(cells)} | {judged.remedy} | {answer.source} |"


def page() -> str:
    columns = "| when | status | codes | text | reason | tried again | remedy | source |"
    rule = "|---|---|---|---|---|---|---|---|"
    lines = [
        HEAD.rstrip(),
        "",
        "## Refused at once",
        "",
        columns,
        rule,
        *map(row, REFUSALS),
        "",
        "## Failed after it was accepted",
        "",
        columns,
        rule,
        *map(row, FAILURES),
        "",
        "## Codes that say what is wrong by themselves",
        "",
        "| code | reason | tried again | remedy |",
        "|---|---|---|---|",
        *_codes(),
        "",
        f"These only say what was attempted: {', '.join(f'`{code}`' for code in WRAPPERS)}.",
    ]
    return "\n".join(lines) + "\n"


def _codes() -> Iterator[str]:
    for code in CODES:
        judged = verdict(AzureText("", 400, code, "", ""))
        again = f"after {judged.delay:g} s" if judged.retryable else "no"
        yield f"| `{code}` | `{judged.reason}` | {again} | {judged.remedy} |"


def test_the_page_shows_what_each_error_is_taken_for() -> None:
    text = page()
    if os.environ.get("AZLM_WRITE_DOCS"):
        PAGE.write_text(text)
    assert PAGE.read_text() == text, "run it with AZLM_WRITE_DOCS=1"


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.when or answer.code)
def test_every_error_is_known_and_what_waits_for_an_admin_has_a_remedy(answer: AzureText) -> None:
    judged = verdict(answer)
    assert judged not in UNKNOWN
    assert judged.retryable or judged.remedy


UNKNOWN = [
    classify_failure(AzureError("NobodyKnows", "words", status=status)) for status in (400, 200)
]
"""What an error is taken for of which nothing is known."""

TRANSIENT = {
    Reason.AZURE_THROTTLED,
    Reason.AZURE_UNAVAILABLE,
    Reason.AZURE_CONFLICT,
    Reason.AZURE_BUSY,
    Reason.CAPACITY_SHORT,
    Reason.DRAIN_FAILED_IN_AZURE,
}


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.when or answer.code)
def test_what_passes_by_itself_is_tried_again_and_nothing_else(answer: AzureText) -> None:
    judged = verdict(answer)
    assert judged.retryable is (judged.reason in TRANSIENT)


def test_a_code_that_only_says_what_was_attempted_leaves_it_to_the_text() -> None:
    assert {unknown.reason for unknown in UNKNOWN} == {Reason.AZURE_REFUSED}
    for code in WRAPPERS:
        text = "exceeding approved standardDSv5Family Cores quota"
        assert verdict(AzureText("", 0, code, text, "")).reason is Reason.QUOTA_EXCEEDED
        assert verdict(AzureText("", 0, code, "nothing known", "")).reason is Reason.AZURE_REFUSED
