"""Lines of azlm and of Kopf, as plain text and as JSON, with what they are about."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator

import kopf
import pytest
from kopf._core.actions.loggers import ObjectLogger

from azure_linux_migrator.controller.log_setup import LogFormat, bound, configure, subject_of
from azure_linux_migrator.model.actions import CordonNode, EvictPod
from azure_linux_migrator.model.cluster import NamespacedName

log = logging.getLogger("azure_linux_migrator.controller.executor")


@pytest.fixture
def root() -> Iterator[None]:
    """The root logger is as before afterwards."""
    logger = logging.getLogger()
    handlers, level = logger.handlers, logger.level
    yield
    logger.handlers = handlers
    logger.setLevel(level)


def lines(log_format: LogFormat) -> io.StringIO:
    stream = io.StringIO()
    configure(log_format, stream)
    return stream


@pytest.mark.usefixtures("root")
def test_a_json_line_names_migration_step_and_pod() -> None:
    stream = lines("json")
    action = EvictPod(NamespacedName("default", "web-0"), "u", None, "")
    with bound(migration="workers", step="Drain"), bound(**subject_of(action)):
        log.warning("eviction of pod %s: %s", action.pod, "BUDGET")
    line = json.loads(stream.getvalue())
    assert line.pop("time")
    assert line == {
        "level": "WARNING",
        "logger": "azure_linux_migrator.controller.executor",
        "message": "eviction of pod default/web-0: BUDGET",
        "migration": "workers",
        "step": "Drain",
        "pod": "default/web-0",
    }


@pytest.mark.usefixtures("root")
def test_a_plain_line_ends_with_what_it_is_about() -> None:
    stream = lines("plain")
    with bound(migration="workers", **subject_of(CordonNode("aks-1", "workers"))):
        log.info("cordoned")
    log.info("leading")
    first, second = stream.getvalue().splitlines()
    assert first.endswith(
        "INFO azure_linux_migrator.controller.executor cordoned [migration=workers node=aks-1]"
    )
    assert second.endswith("executor leading")


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize("log_format", ["json", "plain"])
def test_a_line_of_kopf_names_the_migration(log_format: LogFormat) -> None:
    stream = lines(log_format)
    body = kopf.Body({"metadata": {"name": "workers", "uid": "u"}})
    logger = ObjectLogger(body=body, settings=kopf.OperatorSettings())
    logger.warning("daemon is exited")
    if log_format == "json":
        line = json.loads(stream.getvalue())
        assert (line["migration"], line["logger"]) == ("workers", "kopf.objects")
        assert "settings" not in line
    else:
        assert stream.getvalue().rstrip().endswith("daemon is exited [migration=workers]")


@pytest.mark.usefixtures("root")
async def test_a_task_keeps_what_it_was_started_for() -> None:
    stream = lines("json")

    async def work() -> None:
        await asyncio.sleep(0)
        log.info("done")

    with bound(migration="workers"):
        task = asyncio.create_task(work())
    await task
    assert json.loads(stream.getvalue())["migration"] == "workers"


@pytest.mark.usefixtures("root")
def test_a_traceback_is_part_of_the_json_line() -> None:
    stream = lines("json")
    try:
        int("broken")
    except ValueError:
        log.exception("action failed")
    assert "ValueError: invalid literal" in json.loads(stream.getvalue())["exc_info"]
