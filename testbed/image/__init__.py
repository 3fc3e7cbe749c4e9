"""`python -m testbed image`: the container image, built, run, pushed and signed on one machine.

Needs no container engine and no registry of others: buildah builds in a chroot on a stand-in for
the base images, bubblewrap runs the result as a pod would, and the registry is on loopback.
"""
