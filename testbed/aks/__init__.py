"""A simulated AKS: azure_linux_migrator.simulator.aks behind the part of ARM that azlm uses."""
