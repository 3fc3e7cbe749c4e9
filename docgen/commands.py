"""The reference of the command line, from the commands themselves."""

import click

from azure_linux_migrator.cli.main import azlm


def commands() -> dict[str, click.Command]:
    """Every command by its name."""
    return dict(azlm.commands)


def command_sections() -> str:
    """A section for each command: usage, meaning, options, exit codes."""
    return "\n".join(_section(name, command) for name, command in commands().items())


def _section(name: str, command: click.Command) -> str:
    settings = dict(azlm.context_settings)
    context = click.Context(command, info_name=f"azlm {name}", **settings)
    usage = " ".join([f"azlm {name}", *command.collect_usage_pieces(context)])
    lines = [f"## azlm {name}", "", "```text", usage, "```", "", _text(command.help), ""]
    records = [record for option in command.params if (record := option.get_help_record(context))]
    lines += ["| option | meaning |", "|---|---|"]
    # A pipe in code within a table is read differently by GitHub and by the site.
    lines += [f"| `{flags.replace('|', ',')}` | {_cell(text)} |" for flags, text in records]
    codes = _exit_codes(command.epilog)
    lines += ["", *codes, ""] if codes else [""]
    return "\n".join(lines)


def _exit_codes(epilog: str | None) -> list[str]:
    """The exit codes that an epilog lists, as a table."""
    rows = [line.split(maxsplit=1) for line in (epilog or "").splitlines()]
    codes = [(row[0], row[1]) for row in rows if len(row) == 2 and row[0].isdecimal()]
    if not codes:
        return []
    return [
        "| exit code | meaning |",
        "|---|---|",
        *(f"| {code} | {_cell(text)} |" for code, text in codes),
    ]


def _text(text: str | None) -> str:
    """A help text as paragraphs."""
    paragraphs = (text or "").replace("\b", "").strip().split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
