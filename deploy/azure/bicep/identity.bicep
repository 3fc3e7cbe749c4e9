// The identity, who may be it, and its right to change node pools of the cluster.
param clusterName string
param identityName string
param serviceAccount string
param writerRoleId string

resource cluster 'Microsoft.ContainerService/managedClusters@2024-09-01' existing = {
  name: clusterName
}

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: identityName
  location: resourceGroup().location
}

resource credential 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2023-01-31' = {
  parent: identity
  name: 'azlm'
  properties: {
    issuer: cluster.properties.oidcIssuerProfile.issuerURL
    subject: 'system:serviceaccount:${serviceAccount}'
    audiences: ['api://AzureADTokenExchange']
  }
}

resource writes 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(cluster.id, identity.id, writerRoleId)
  scope: cluster
  properties: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: writerRoleId
  }
}

output principalId string = identity.properties.principalId
output clientId string = identity.properties.clientId
