// The right to put nodes and pods into one subnet.
param network string
param subnet string
param principalId string
param writerRoleId string

resource pools 'Microsoft.Network/virtualNetworks/subnets@2024-05-01' existing = {
  name: '${network}/${subnet}'
}

resource joins 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(pools.id, principalId, writerRoleId)
  scope: pools
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: writerRoleId
  }
}
