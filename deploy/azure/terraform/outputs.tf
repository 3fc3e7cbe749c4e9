output "client_id" {
  description = "For the annotation azure.workload.identity/client-id, or the chart value identity.clientID."
  value       = azurerm_user_assigned_identity.azlm.client_id
}
