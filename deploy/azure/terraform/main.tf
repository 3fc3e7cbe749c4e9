# The Azure side of azlm: two roles, an identity, its federated credential and its role assignments.
#
#   module "azlm" {
#     source     = "./deploy/azure/terraform"
#     cluster_id = azurerm_kubernetes_cluster.prod.id
#     issuer_url = azurerm_kubernetes_cluster.prod.oidc_issuer_url
#     location   = azurerm_kubernetes_cluster.prod.location
#   }

terraform {
  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = ">= 3.70"
    }
  }
}

locals {
  writer         = jsondecode(file("${path.module}/../writer.json"))
  surveyor       = jsondecode(file("${path.module}/../surveyor.json"))
  subscription   = join("/", slice(split("/", var.cluster_id), 0, 3))
  resource_group = split("/", var.cluster_id)[4]
}

resource "azurerm_role_definition" "writer" {
  name              = "${local.writer.Name}${var.role_suffix}"
  scope             = local.subscription
  description       = local.writer.Description
  assignable_scopes = [local.subscription]

  permissions {
    actions = local.writer.Actions
  }
}

resource "azurerm_role_definition" "surveyor" {
  name              = "${local.surveyor.Name}${var.role_suffix}"
  scope             = local.subscription
  description       = local.surveyor.Description
  assignable_scopes = [local.subscription]

  permissions {
    actions = local.surveyor.Actions
  }
}

resource "azurerm_user_assigned_identity" "azlm" {
  name                = var.identity_name
  resource_group_name = local.resource_group
  location            = var.location
}

resource "azurerm_federated_identity_credential" "azlm" {
  name                = "azlm"
  resource_group_name = local.resource_group
  parent_id           = azurerm_user_assigned_identity.azlm.id
  issuer              = var.issuer_url
  subject             = "system:serviceaccount:${var.service_account}"
  audience            = ["api://AzureADTokenExchange"]
}

resource "azurerm_role_assignment" "writes" {
  scope              = var.cluster_id
  role_definition_id = azurerm_role_definition.writer.role_definition_resource_id
  principal_id       = azurerm_user_assigned_identity.azlm.principal_id
  principal_type     = "ServicePrincipal"
}

resource "azurerm_role_assignment" "joins" {
  for_each           = toset(var.subnet_ids)
  scope              = each.value
  role_definition_id = azurerm_role_definition.writer.role_definition_resource_id
  principal_id       = azurerm_user_assigned_identity.azlm.principal_id
  principal_type     = "ServicePrincipal"
}

resource "azurerm_role_assignment" "surveys" {
  scope              = local.subscription
  role_definition_id = azurerm_role_definition.surveyor.role_definition_resource_id
  principal_id       = azurerm_user_assigned_identity.azlm.principal_id
  principal_type     = "ServicePrincipal"
}
