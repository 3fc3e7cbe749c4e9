"""What people do around a migration: to the resource, the nodes, and the two pools."""

from typing import Any

from azure_linux_migrator.api.names import APPROVE, ROLLBACK, TAG_MIGRATION
from azure_linux_migrator.simulator.controller.custom_resource import Body
from simtest.fault_targets import SUCCEEDED
from simtest.faults import azure_cli
from simtest.faults.base import FaultBase
from simtest.faults.schedule import Fault
from simtest.scenario_draw import FORCED_SURGES_SHELVED

LATE_SECONDS = 30.0
"""After a spec was made stricter, requests that were sent before may still land."""
_FINAL = frozenset(("RetireSource", "HandOverAutoscaler", SUCCEEDED))


class AdminFaults(FaultBase):
    """Admins, GitOps tools and other teams."""

    _recreates_after: float | None = None
    _uid = ""
    _rolls_back = False

    def _lead_if_none(self) -> None:
        """A worker for the resource begins."""
        raise NotImplementedError

    # Nodes

    def _foreign_cordon(self, fault: Fault) -> bool:
        """Not in the very moment in which azlm cordons."""
        racing = self.where() in {"CordonSource", "CordonTarget"}
        return not racing and self._foreign_cordon_racing(fault)

    def _foreign_cordon_racing(self, fault: Fault) -> bool:
        node = self._pick(fault)
        if node is None:
            return False
        self._audit.foreign_cordon(node)
        self._scene.store.change_node(node.name, unschedulable=True)
        return True

    def _foreign_uncordon(self, fault: Fault) -> bool:
        node = self._pick(fault, "src")
        if node is None or not node.unschedulable:
            return False
        self._audit.foreign_uncordon(node)
        self._scene.store.change_node(node.name, unschedulable=False)
        return True

    # The resource

    def _paused(self, fault: Fault) -> bool:
        drain = self._stage.spec["drain"]
        return drain.get("onTimeout") != "Rollback" and self._paused_timed(fault)

    def _paused_timed(self, fault: Fault) -> bool:
        """Whatever a drain does that takes too long meanwhile."""
        if self._resource.body is None:
            return False
        self._resource.edit(paused=True)
        self._scene.kernel.after(fault.length, self._resume)
        return True

    def _resume(self) -> None:
        body = self._resource.body
        if body is not None and body.spec.get("paused"):
            self._resource.edit(paused=False)

    def _edited(self, fault: Fault) -> bool:
        strategy = dict(self._stage.spec["strategy"])
        strategy["batch"] = {"size": ("10%", 1, "100%")[fault.pick % 3], "soak": "1s"}
        strategy["finalSoak"] = ("0s", "30s")[fault.pick // 8 % 2]
        self._audit.soak_may_be(0.0)
        self._stage.spec["strategy"] = strategy
        return self._edit(strategy=strategy)

    def _drain_edited(self, fault: Fault) -> bool:
        old = self._stage.spec["drain"]
        field = ("timeout", "prefetch", "singletons", "jobs")[fault.pick % 4]
        if field == "singletons" and old.get("onTimeout") == "Force" and FORCED_SURGES_SHELVED:
            return False
        new = {
            **old,
            "timeout": ("0s", "30s", "10m")[fault.pick // 4 % 3],
            "prefetch": not old["prefetch"],
            "singletons": "Evict" if old["singletons"] == "SurgeFirst" else "SurgeFirst",
            "jobs": "Evict" if old["jobs"] == "Wait" else "Wait",
        }
        drain = {**old, field: new[field]}
        looser = {
            "jobs": "Evict" if "Evict" in (old["jobs"], drain["jobs"]) else "Wait",
            "prefetch": old["prefetch"] or drain["prefetch"],
        }
        if not self._edit(drain=drain):
            return False
        self._judged_by(drain={**drain, **looser})
        self._scene.kernel.after(LATE_SECONDS, lambda: self._judged_by(drain=drain))
        return True

    def _policy_edited(self, fault: Fault) -> bool:
        """Who is asked, what becomes of the source, what a failure does."""
        if self.where() in _FINAL:
            return False  # what was decided already is not judged by it
        if fault.pick % 3 and self._stage.strategy == "InPlace":
            return False  # refused by the apiserver
        match fault.pick % 3:
            case 0:
                gate = ("Automatic", "BeforeDrain", "BeforeRetire")[fault.pick // 4 % 3]
                strict = gate == "BeforeRetire"
                self._judged_by(approval="Automatic" if strict else gate)
                if strict:
                    self._scene.kernel.after(LATE_SECONDS, lambda: self._judged_by(approval=gate))
                return self._edit(approval=gate)
            case 1:
                after = ("Delete", "ScaleToZero", "Keep")[fault.pick // 4 % 3]
                self._judged_by(sourcePool=after)
                return self._edit(sourcePool=after)
        return self._edit(onFailure=("Pause", "Rollback")[fault.pick // 4 % 2])

    def _edit(self, **spec: Any) -> bool:
        body = self._resource.body
        before = body.generation if body else 0
        self._resource.edit(**spec)
        body = self._resource.body
        return body is not None and body.generation != before

    def _judged_by(self, **spec: Any) -> None:
        """What azlm does is judged by this from now on."""
        self._stage.spec.update(spec)

    def _approved_early(self, fault: Fault) -> bool:
        """Before it is asked for, or of something else."""
        gates = ("BeforeDrain", "BeforeRetire", "nonsense")
        gate = gates[fault.pick % 3] if fault.pick % 2 else str(self._stage.spec["approval"])
        self._resource.annotate(APPROVE, gate)
        return self._resource.body is not None

    def _rollback(self, fault: Fault) -> bool:
        """Once, or twice: with the same word, or another one."""
        if self._resource.body is None:
            return False
        self._resource.annotate(ROLLBACK, f"r{fault.pick}")
        if fault.pick % 3:
            again = f"r{fault.pick + fault.pick % 3 - 1}"
            self._scene.kernel.after(fault.length, lambda: self._resource.annotate(ROLLBACK, again))
        return True

    def _deleted(self, _fault: Fault) -> bool:
        body = self._resource.body
        if body is None or body.deleting:
            return False
        self._resource.delete()
        return True

    def _recreated(self, fault: Fault) -> bool:
        """Deleted, and applied again when it is gone."""
        held = bool(self._stage.bounds) and self.where() in {"RetireSource", "HandOverAutoscaler"}
        return not held and self._recreated_late(fault)

    def _recreated_late(self, fault: Fault) -> bool:
        """Also while the source goes that had an autoscaler."""
        self._recreates_after = fault.length
        return self._deleted(fault)

    def _written(self, body: Body | None) -> None:
        """Whoever applies it again, a worker for it begins soon."""
        if body is not None and body.uid != self._uid:
            self._uid = body.uid
            self._scene.kernel.after(1.0, self._lead_if_none)
        if body is None and self._recreates_after is not None:
            after, self._recreates_after = self._recreates_after, None
            self._scene.kernel.after(after, self._apply_anew)

    def _apply_anew(self) -> None:
        if self._resource.body is None:
            self._resource.recreate(dict(self._stage.spec))

    # The pools

    def _may_turn_back(self) -> bool:
        body = self._resource.body
        return self._rolls_back or body is None or body.spec["onFailure"] == "Rollback"

    def _either(self, fault: Fault) -> str:
        """One of the two pools."""
        return self._stage.target if fault.pick % 2 else "src"

    def _pool_scaled(self, fault: Fault) -> bool:
        pool = self._either(fault)
        found = self._scene.aks.properties(pool)
        retired = pool == "src" and self.where() in _FINAL
        if not found or retired or found.get("enableAutoScaling"):
            return False
        grows = fault.pick // 4 % 2 or found.get("availabilityZones")  # disks stay in their zone
        count = max(1, int(found["count"]) + (1 if grows else -1))
        self._audit.injector(400)
        self._audit.pools_changed(120)
        return azure_cli.update(self._scene, pool, count=count)

    def _pool_upgraded(self, _fault: Fault) -> bool:
        """The source gets another image: its nodes come back, one after the other, and are open.
        Not where disks would have to leave their zone for that."""
        zoned = self._scene.aks.properties("src").get("availabilityZones")
        if zoned or self._stage.strategy == "InPlace" or self.where() in _FINAL:
            return False
        self._audit.injector(900)
        self._audit.pools_changed(900)
        return azure_cli.update(self._scene, "src", osSKU="Ubuntu2204")

    def _pool_untagged(self, fault: Fault) -> bool:
        return not self._may_turn_back() and self._pool_untagged_back(fault)

    def _pool_untagged_back(self, fault: Fault) -> bool:
        """A tool that knows nothing of our tags removes them, and is told after a while."""
        target = self._stage.target
        tags = dict(self._scene.aks.properties(target).get("tags") or {})
        if TAG_MIGRATION not in tags or self._stage.strategy == "InPlace":
            return False
        self._audit.pools_changed(60)
        self._scene.kernel.after(fault.length, lambda: self._tag(target, tags))
        return azure_cli.update(self._scene, target, tags={"team": "x"})

    def _tag(self, pool: str, tags: dict[str, str]) -> None:
        azure_cli.update(self._scene, pool, tags=tags)

    def _pool_autoscaled(self, fault: Fault) -> bool:
        """What azlm has turned off is turned on again."""
        return bool(self._stage.bounds) and self._pool_autoscaled_first(fault)

    def _pool_autoscaled_first(self, _fault: Fault) -> bool:
        """A source without an autoscaler gets one."""
        found = self._scene.aks.properties("src")
        if not found or found.get("enableAutoScaling"):
            return False
        self._audit.pools_changed(120)
        count = int(found["count"])
        if not azure_cli.update(
            self._scene, "src", enableAutoScaling=True, minCount=1, maxCount=count + 1
        ):
            return False
        self._scene.autoscaler.scan()
        return True

    def _pool_stopped(self, fault: Fault) -> bool:
        """The target, or the source where there is no way back to it."""
        return not self._may_turn_back() and self._pool_stopped_back(fault)

    def _pool_stopped_back(self, fault: Fault) -> bool:
        if self._stage.strategy == "InPlace" or self.where() in _FINAL:
            return False
        self._audit.injector(900)
        self._audit.pools_changed(900)
        return azure_cli.update(self._scene, self._either(fault), powerState={"code": "Stopped"})

    def _pool_deleted(self, fault: Fault) -> bool:
        if self._stage.strategy == "InPlace" or self.where() in _FINAL:
            return False
        self._audit.injector(900)
        self._audit.pools_changed(900)
        if not azure_cli.delete(self._scene, self._either(fault)):
            return False
        self._stage.deleted.add(self._either(fault))
        return True
