"""The record of one eviction under way."""

from msgspec import Struct

from azure_linux_migrator.model.cluster import NamespacedName


class Eviction(Struct):
    """One eviction under way. `budget` is None where it costs no disruption.

    `gone`: the apiserver found no such pod, so that it took no slot; our watch shows it still.
    `lost`: its answer was lost, and it was not sent again since. `doubted_since`: since when it is
    not known whether it was carried out; 0 where no answer was lost. `shown`: the budget's status
    accounts for it. `charged_at` is the budget's revision when it was sent: an older status that
    names the pod means another pod of that name, which a StatefulSet had before.
    """

    uid: str
    budget: NamespacedName | None
    owner: str
    sent_at: float
    seen: bool = False
    gone: bool = False
    lost: bool = False
    doubted_since: float = 0.0
    shown: bool = False
    charged_at: int = 0
