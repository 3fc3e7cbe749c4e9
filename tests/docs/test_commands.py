"""Commands and manifests on the pages are right: azlm's are parsed by the command line itself,
manifests by the spec's own rules. What no test can run says so, or names the test that does."""

import re
from importlib.util import find_spec
from pathlib import Path

import click
import pytest
import yaml

from azure_linux_migrator.api.file_validation import parse_spec
from azure_linux_migrator.cli.main import azlm
from tests.docs.blocks import BLOCK, BLOCKS, COMMANDS, INLINE, MANIFESTS, Block, lines, words_of
from tests.docs.pages import PAGES, ROOT, title

INDENTED = re.compile(r"^ {4,}(?:\$ )?(?:make|kubectl|helm|az|azlm|flux|argocd) ", re.MULTILINE)
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
IN_PAGES = [page for page in PAGES if page.name != "README.md"]


def check_azlm(words: list[str]) -> None:
    """Have the command line parse a command; raises click.UsageError."""
    command = azlm.commands.get(words[1]) if len(words) > 1 else None
    if command is None:
        raise click.UsageError(f"there is no command {' '.join(words)}")
    context = click.Context(command, info_name=words[1], **azlm.context_settings)
    command.make_parser(context).parse_args(args=[word.split("|")[0] for word in words[2:]])


def check(line: str) -> str:
    """What is wrong with a command; empty if nothing is."""
    words = words_of(line)
    match words:
        case ["azlm", *_]:
            try:
                check_azlm(words)
            except click.UsageError as error:
                return error.format_message()
            return ""
        case ["make", *targets]:
            missing = [name for name in targets if "=" not in name and name not in TARGETS]
            return f"the Makefile has no {missing}" if missing else ""
        case ["python" | ".venv/bin/python", "-m", module, *_]:
            return "" if find_spec(module) else f"there is no module {module}"
        case [script, *_] if (ROOT / script).is_file():
            return ""
    return "no test knows this command: mark the block as `not run: why` or `run by: which test`"


@pytest.mark.parametrize("block", COMMANDS, ids=lambda block: title(block.page))
def test_the_commands_of_a_page_are_right(block: Block) -> None:
    wrong = {line: problem for line in lines(block.text) if (problem := check(line))}
    assert wrong == {}


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_the_commands_within_a_text_are_right(page: Path) -> None:
    wrong = {
        line: problem
        for line in INLINE.findall(page.read_text())
        if "…" not in line and (problem := check(line))
    }
    assert wrong == {}


@pytest.mark.parametrize("block", MANIFESTS, ids=lambda block: title(block.page))
def test_the_manifests_of_a_page_are_valid(block: Block) -> None:
    for document in yaml.safe_load_all(block.text):
        assert document.get("kind", "AzureLinuxMigration") == "AzureLinuxMigration"
        spec = document["spec"]
        parse_spec({"source": {"nodePool": "workers"}} | spec)


def test_a_mark_names_a_test_that_there_is_or_gives_a_reason() -> None:
    wrong = []
    for block in BLOCKS:
        kind, _, text = block.mark.partition(": ")
        if kind == "run by" and not (ROOT / text).is_file():
            wrong.append(block.mark)
        if kind == "not run" and len(text.split()) < 3:
            wrong.append(block.mark)
    assert wrong == []


@pytest.mark.parametrize("page", IN_PAGES, ids=title)
def test_commands_stand_in_blocks_that_are_checked(page: Path) -> None:
    text = BLOCK.sub("", page.read_text())
    assert INDENTED.findall(text) == []


def test_a_wrong_command_is_found() -> None:
    assert "No such option" in check("azlm plan -f migration.yaml --colour red")
    assert "no command" in check("kubectl azlm restart workers")
    assert "Makefile" in check("make coffee")
    assert "no test knows" in check("terraform apply")
