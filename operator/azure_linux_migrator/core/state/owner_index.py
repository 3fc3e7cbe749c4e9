"""What stands behind pods: their controllers, volumes and volume attachments."""

from collections import defaultdict

from azure_linux_migrator.model.cluster import Attachment, Controller, NamespacedName, Pod, Volume


class OwnerIndex:
    """Lookups only; the world notifies its listeners of changes."""

    def __init__(self) -> None:
        self._controllers: dict[str, Controller] = {}
        self._uids: dict[tuple[str, NamespacedName], str] = {}
        self._surged: dict[str, None] = {}
        self._owned: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._volumes: dict[str, Volume] = {}
        self._by_claim: dict[NamespacedName, Volume] = {}
        self._attachments: dict[str, Attachment] = {}
        self._attached: defaultdict[str, dict[str, str]] = defaultdict(dict)

    def controller(self, uid: str) -> Controller | None:
        """A controller by its uid."""
        return self._controllers.get(uid)

    def exists(self, uid: str) -> bool:
        """Whether a controller of that uid is known."""
        return uid in self._controllers

    def uid_of(self, kind: str, key: NamespacedName) -> str:
        """The uid of the controller that has this name now; empty where none is known."""
        return self._uids.get((kind, key), "")

    def controller_of(self, pod: Pod) -> Controller | None:
        """The controller that decides over a pod: a Deployment rather than its ReplicaSet."""
        controller = self._controllers.get(pod.owner.uid) if pod.owner else None
        if controller is not None and controller.owner:
            return self._controllers.get(controller.owner, controller)
        return controller

    def controller_of_uid(self, uid: str) -> Controller | None:
        """The same, by the uid of a pod's owner."""
        controller = self._controllers.get(uid)
        if controller is not None and controller.owner:
            return self._controllers.get(controller.owner, controller)
        return controller

    def owners_of(self, uid: str) -> list[str]:
        """Uids of the owners that share a workload's pods with this one, itself included: those of
        a Deployment's ReplicaSets."""
        controller = self.controller_of_uid(uid)
        siblings = self.replicasets_of(controller.uid) if controller is not None else []
        return siblings if uid in siblings else [*siblings, uid]

    def of_kind(self, kind: str) -> list[Controller]:
        """All controllers of a kind, by name."""
        controllers = (
            controller for controller in self._controllers.values() if controller.kind == kind
        )
        return sorted(controllers, key=lambda controller: controller.key)

    def surged_by(self, migration: str) -> list[Controller]:
        """Deployments on which a migration has recorded a surge."""
        prefix = f"{migration}/"
        surged = (self._controllers[uid] for uid in self._surged)
        return [controller for controller in surged if controller.surge.startswith(prefix)]

    def replicasets_of(self, uid: str) -> list[str]:
        """Uids of the ReplicaSets of a Deployment."""
        return list(self._owned.get(uid, ()))

    def volumes_of(self, pod: Pod) -> list[Volume]:
        """The bound volumes that a pod's replacement needs too."""
        return self._bound(pod, pod.claims)

    def attached_by(self, pod: Pod) -> list[Volume]:
        """The bound volumes that a pod keeps attached to its node."""
        return self._bound(pod, pod.all_claims)

    def _bound(self, pod: Pod, claims: tuple[str, ...]) -> list[Volume]:
        if not claims:
            return []
        keys = (NamespacedName(pod.key.namespace, claim) for claim in claims)
        return [volume for key in keys if (volume := self._by_claim.get(key)) is not None]

    def attached_to(self, node: str) -> set[str]:
        """Names of the volumes attached to a node."""
        return {volume for volume in self._attached.get(node, {}).values() if volume}

    def all_controllers(self) -> list[Controller]:
        """Every controller that is known."""
        return list(self._controllers.values())

    def all_volumes(self) -> list[Volume]:
        """Every bound volume that is known."""
        return list(self._volumes.values())

    def all_attachments(self) -> list[Attachment]:
        """Every attachment that is known."""
        return list(self._attachments.values())

    def put_controller(self, controller: Controller) -> bool:
        """Returns whether anything changed."""
        if self._controllers.get(controller.uid) == controller:
            return False
        self._controllers[controller.uid] = controller
        self._uids[controller.kind, controller.key] = controller.uid
        self._surged.pop(controller.uid, None)
        if controller.surge:
            self._surged[controller.uid] = None
        if controller.owner:
            self._owned[controller.owner][controller.uid] = None
        return True

    def remove_controller(self, kind: str, key: NamespacedName) -> str:
        """Returns the uid it had, or an empty string."""
        uid = self._uids.pop((kind, key), "")
        controller = self._controllers.pop(uid, None)
        self._surged.pop(uid, None)
        if controller is not None and controller.owner:
            self._owned[controller.owner].pop(uid, None)
        return uid

    def put_volume(self, volume: Volume) -> None:
        """A bound volume."""
        self._volumes[volume.name] = volume
        self._by_claim[volume.claim] = volume

    def remove_volume(self, name: str) -> NamespacedName | None:
        """Returns the claim it was bound to."""
        volume = self._volumes.pop(name, None)
        if volume is None:
            return None
        self._by_claim.pop(volume.claim, None)
        return volume.claim

    def put_attachment(self, attachment: Attachment) -> None:
        """A volume is attached to a node."""
        self._attachments[attachment.name] = attachment
        self._attached[attachment.node][attachment.name] = attachment.volume

    def remove_attachment(self, name: str) -> str:
        """Returns the node it was attached to, or an empty string."""
        attachment = self._attachments.pop(name, None)
        if attachment is None:
            return ""
        self._attached[attachment.node].pop(name, None)
        return attachment.node
