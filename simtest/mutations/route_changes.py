"""How mutations change the routes of steps."""

from collections.abc import Callable
from dataclasses import replace

from azure_linux_migrator.core.steps import routes
from azure_linux_migrator.core.steps.progress import DONE, Context, Progress
from azure_linux_migrator.core.steps.routes import BLUE_GREEN, IN_PLACE, ROLLBACK, ROLLING, Route
from simtest.mutations.mutation import Patches

ROUTES = {"BLUE_GREEN": BLUE_GREEN, "ROLLING": ROLLING, "IN_PLACE": IN_PLACE, "ROLLBACK": ROLLBACK}


def change_routes(change: Callable[[Route], Route]) -> Patches:
    """Patches that change every route."""
    return [(routes, name, change(route)) for name, route in ROUTES.items()]


def skipping(*names: str) -> Callable[[], Patches]:
    """Patches that leave out steps: they are done at once."""

    def without(route: Route) -> Route:
        return replace_steps(route, names, lambda _ctx: DONE)

    return lambda: change_routes(without)


def replace_steps(
    route: Route, names: tuple[str, ...], step: Callable[[Context], Progress]
) -> Route:
    """The route with another function for the steps of these names."""
    return replace(route, steps=tuple((n, step if n in names else s) for n, s in route.steps))
