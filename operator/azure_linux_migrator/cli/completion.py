"""Completion in shells: `azlm completion bash`, and the plugin protocol of kubectl.

Names of migrations and pools come from the cluster, within SECONDS; where it does not answer,
nothing is completed, and nothing is said: a shell has no place for an error.
"""

import asyncio
from collections.abc import Sequence

import click
from click.shell_completion import CompletionItem, ShellComplete, get_completion_class

VARIABLE = "_AZLM_COMPLETE"
SECONDS = 2.0
NO_FILES = ":4"
"""For kubectl: complete nothing else (ShellCompDirectiveNoFileComp of cobra)."""
SHELLS = ("bash", "zsh", "fish")


def migration_names(
    context: click.Context, _: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The migrations of the cluster."""
    from azure_linux_migrator.kube.migrations import COLLECTION

    return _named(context, COLLECTION, incomplete)


def pool_names(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The node pools of the cluster, by the labels of its nodes."""
    return _named(context, "/api/v1/nodes", incomplete)


def _named(context: click.Context, path: str, incomplete: str) -> list[CompletionItem]:
    from azure_linux_migrator.api.names import AGENTPOOL_LABEL
    from azure_linux_migrator.cli import options
    from azure_linux_migrator.cli.view.migration_view import connected

    settings = options.kubernetes_settings(
        context.params.get("kubeconfig"), context.params.get("context")
    )

    async def read() -> set[str]:
        async with asyncio.timeout(SECONDS), connected(settings) as client:
            items = (await client.json("GET", path)).get("items") or []
        if path == "/api/v1/nodes":
            labels = (item["metadata"].get("labels") or {} for item in items)
            return {pools.get(AGENTPOOL_LABEL, "") for pools in labels} - {""}
        return {item["metadata"]["name"] for item in items}

    try:
        names = asyncio.run(read())
    except Exception:  # noqa: BLE001 - whatever is wrong, a shell has no place for an error
        return []
    return [CompletionItem(name) for name in sorted(names) if name.startswith(incomplete)]


def script(command: click.Command, shell: str) -> str:
    """What the shell has to evaluate."""
    completer = get_completion_class(shell)
    if completer is None:
        raise click.UsageError(f"no completion for {shell}")
    return completer(command, {}, "azlm", VARIABLE).source()


def for_kubectl(command: click.Command, words: Sequence[str]) -> str:
    """The answer to `kubectl_complete-azlm WORD…`: one completion a line, then the directive."""
    *before, incomplete = words or ("",)
    items = ShellComplete(command, {}, "azlm", VARIABLE).get_completions(list(before), incomplete)
    lines = [f"{item.value}\t{item.help}" if item.help else str(item.value) for item in items]
    return "\n".join([*lines, NO_FILES])


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    bash: source <(azlm completion bash); zsh and fish likewise. For kubectl azlm, nothing is to be
    done: kubectl asks kubectl_complete-azlm, which is installed beside it.
    """
    print(script(context.find_root().command, shell))


COMMANDS = (completion,)
