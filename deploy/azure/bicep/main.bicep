// The Azure side of azlm in one deployment: two roles, an identity, its federated credential and its
// role assignments.
//
//   az deployment sub create --location westeurope --template-file deploy/azure/bicep/main.bicep \
//     --parameters clusterName=prod clusterResourceGroup=prod-rg
targetScope = 'subscription'

@description('Name of the AKS cluster that azlm serves. Its OIDC issuer has to be enabled.')
param clusterName string

@description('Resource group of that cluster; the identity is created in it.')
param clusterResourceGroup string

@description('Name of the managed identity.')
param identityName string = 'azlm'

@description('Namespace and service account that azlm runs as.')
param serviceAccount string = 'azlm-system:azlm'

@description('Added to the names of the two roles, which are unique in a tenant: for a second subscription.')
param roleSuffix string = ''

@description('Resource ids of the subnets (vnetSubnetID, podSubnetID) of the pools, if they are your own.')
param subnetIds array = []

var writer = loadJsonContent('../writer.json')
var surveyor = loadJsonContent('../surveyor.json')

resource writerRole 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(subscription().id, writer.Name)
  properties: {
    roleName: '${writer.Name}${roleSuffix}'
    description: writer.Description
    type: 'CustomRole'
    permissions: [{ actions: writer.Actions }]
    assignableScopes: [subscription().id]
  }
}

resource surveyorRole 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(subscription().id, surveyor.Name)
  properties: {
    roleName: '${surveyor.Name}${roleSuffix}'
    description: surveyor.Description
    type: 'CustomRole'
    permissions: [{ actions: surveyor.Actions }]
    assignableScopes: [subscription().id]
  }
}

module identity 'identity.bicep' = {
  name: 'azlm-identity'
  scope: resourceGroup(clusterResourceGroup)
  params: {
    clusterName: clusterName
    identityName: identityName
    serviceAccount: serviceAccount
    writerRoleId: writerRole.id
  }
}

resource surveys 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(subscription().id, clusterResourceGroup, clusterName, identityName, surveyor.Name)
  properties: {
    principalId: identity.outputs.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: surveyorRole.id
  }
}

module subnets 'subnet.bicep' = [for (id, index) in subnetIds: {
  name: 'azlm-subnet-${index}'
  scope: resourceGroup(split(id, '/')[2], split(id, '/')[4])
  params: {
    network: split(id, '/')[8]
    subnet: split(id, '/')[10]
    principalId: identity.outputs.principalId
    writerRoleId: writerRole.id
  }
}]

@description('For the annotation azure.workload.identity/client-id, or the chart value identity.clientID.')
output clientId string = identity.outputs.clientId
