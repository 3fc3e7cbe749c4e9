"""A simulated AKS: the model of azure_linux_migrator.simulator behind the ARM subset that azlm uses."""
