"""How far a migration is, whatever its steps are called."""

from dataclasses import dataclass

from azure_linux_migrator.api.steps import Step
from azure_linux_migrator.core.steps.routes import Route


@dataclass(frozen=True, slots=True)
class StepPosition:
    """A step of a route, or its end."""

    route: Route
    step: str
    finished: bool = False

    @property
    def begun(self) -> bool:
        """Whether the preflight has passed."""
        return self.finished or self._at > 0

    @property
    def created(self) -> bool:
        """Whether the target stands."""
        creates = self.route.position(Step.CREATE_TARGET)
        return self.moved if creates < 0 else self.finished or self._at > creates

    @property
    def watching(self) -> bool:
        """Whether the source is cordoned, or further."""
        return self.finished or self._at >= self.route.position(self.route.again)

    @property
    def moving(self) -> bool:
        """Whether pods are being moved."""
        return not self.finished and self.step == self.route.moves

    @property
    def moved(self) -> bool:
        """Whether all pods were moved."""
        return self.finished or self._at > self.route.position(self.route.moves)

    @property
    def _at(self) -> int:
        return self.route.position(self.step)
