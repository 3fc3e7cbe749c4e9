"""What makes a pod's spec notable for a move to another node OS: short strings, mostly none.

kube/pod_traits.py reads them off pods and DaemonSets; preflight rules look for them. Each is
`kind:value`. They are interned, so that a hundred thousand pods cost next to nothing.
"""

SELECTS = "selects:"
"""`selects:<label key>=<value>`: a required node selector or affinity on a label of SELECTED."""
HOST_PATH = "hostpath:"
"""`hostpath:<path>`: mounts a directory of the node that differs between node OSes."""
APPARMOR_LOCALHOST = "apparmor:localhost"
PRIVILEGED = "privileged:"
COMMAND = "command:"
"""`command:<program>`: a container's command or arguments call one of COMMANDS."""
SYSCTL = "sysctl:"
"""`sysctl:<name>`: sets a kernel parameter."""
KEEP = "keep:"
"""`keep:<annotation>`: asks autoscalers not to evict it."""
GRACE = "grace:"
"""`grace:<seconds>`: a terminationGracePeriodSeconds above LONG_GRACE_SECONDS."""
GPU = "gpu:"
"""`gpu:<resource>`: asks for an extended GPU resource."""
EMPTY_DIR = "emptydir:"
LOCAL_VOLUME = "local-volume:"
JOB = "job:"

SELECTED = frozenset(
    {
        "agentpool",
        "kubernetes.azure.com/agentpool",
        "kubernetes.azure.com/os-sku",
        "kubernetes.azure.com/os-sku-requested",
        "kubernetes.azure.com/os-sku-effective",
        "kubernetes.azure.com/node-image-version",
        "kubernetes.io/hostname",
    }
)
"""Node labels whose values change with the pool."""

COMMANDS = frozenset(
    {"apt", "apt-get", "dpkg", "snap", "nsenter", "modprobe", "insmod", "update-ca-certificates"}
)
HOST_PATHS = (
    "/etc/ssl",
    "/usr/local/share/ca-certificates",
    "/etc/pki",
    "/etc/apt",
    "/var/lib/dpkg",
    "/lib/modules",
    "/usr/src",
    "/boot",
    "/etc/apparmor.d",
)
"""Prefixes of node directories that differ between node OSes."""

LONG_GRACE_SECONDS = 600


def values(traits: tuple[str, ...], kind: str) -> tuple[str, ...]:
    """The values of the traits of one kind."""
    return tuple(trait.removeprefix(kind) for trait in traits if trait.startswith(kind))
