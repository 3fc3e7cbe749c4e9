"""Creates the pods of a workload from its template."""

from collections import defaultdict

from azure_linux_migrator.model.cluster import NamespacedName, Owner, Pod
from azure_linux_migrator.simulator.cluster.store import Store
from azure_linux_migrator.simulator.cluster.unhealthy_pods import UnhealthyPods
from azure_linux_migrator.simulator.cluster.workload import Workload
from azure_linux_migrator.simulator.kernel import Kernel


class PodFactory:
    """Creates pods for all controllers; `pods_of` are the existing pods by workload."""

    def __init__(self, store: Store, kernel: Kernel) -> None:
        self._store = store
        self._kernel = kernel
        self.pods_of: defaultdict[str, dict[NamespacedName, None]] = defaultdict(dict)
        self.unhealthy_pods = UnhealthyPods()

    def next_name(self, workload: Workload) -> str:
        """A name that none of its pods has had."""
        workload.pods_created += 1
        return f"{workload.key.name}-{workload.pods_created}"

    def free_name(self, workload: Workload) -> str:
        """The first unused name, for workloads whose pods keep their names; otherwise a new one."""
        if not workload.keeps_names:
            return self.next_name(workload)
        taken = {key.name for key in self.pods_of[workload.uid]}
        following = f"{workload.key.name}-{workload.first + workload.replicas}"
        return next((name for name in workload.identities if name not in taken), following)

    def add(self, workload: Workload, name: str = "", *, node: str = "") -> Pod:
        """Create a pod in the cluster, with a new name unless one is given."""
        pod = self.make(workload, name or self.next_name(workload), node=node)
        siblings = (self._store.pods[key] for key in self.pods_of[workload.uid])
        self.unhealthy_pods.pass_on(workload, pod.key, siblings)
        self._store.put_pod(pod)
        return pod

    def make(
        self, workload: Workload, name: str, *, node: str = "", created: float | None = None
    ) -> Pod:
        """The record of a pod, created now unless a time is given (seconds since the epoch)."""
        template = workload.template
        key = NamespacedName(workload.key.namespace, name)
        created_at = self._kernel.now if created is None else created
        kind = "ReplicaSet" if workload.kind == "Deployment" else workload.kind
        owner = Owner(kind, workload.key.name, workload.growing)
        return Pod(
            key=key,
            uid=f"{key}.{self._store.next_revision()}",
            node=node,
            phase="Pending",
            ready=False,
            terminating=False,
            labels=template.labels,
            owner=None if workload.kind == "Other" else owner,
            mirror=template.mirror,
            empty_dir=template.empty_dir,
            created=float(int(created_at)),
            finalizers=template.finalizer,
            claims=workload.claims.get(name, template.claims),
            traits=template.traits,
            requests=template.requests,
            scheduling=template.scheduling,
            extended_resources=template.extended_resources,
        )
