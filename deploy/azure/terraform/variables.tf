variable "cluster_id" {
  description = "Resource id of the AKS cluster that azlm serves."
  type        = string
}

variable "issuer_url" {
  description = "The cluster's OIDC issuer URL."
  type        = string
}

variable "location" {
  description = "Location of the managed identity."
  type        = string
}

variable "identity_name" {
  description = "Name of the managed identity."
  type        = string
  default     = "azlm"
}

variable "service_account" {
  description = "Namespace and service account that azlm runs as."
  type        = string
  default     = "azlm-system:azlm"
}

variable "role_suffix" {
  description = "Added to the names of the two roles, which are unique in a tenant: for a second cluster."
  type        = string
  default     = ""
}

variable "subnet_ids" {
  description = "Resource ids of the subnets (vnet_subnet_id, pod_subnet_id) of the pools, if they are your own."
  type        = list(string)
  default     = []
}
