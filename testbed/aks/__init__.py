"""A simulated AKS: the model of azure_linux_migrator.sim behind the ARM subset that azlm uses."""
