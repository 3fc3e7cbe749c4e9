-- Health of an AzureLinuxMigration, by the conditions that kstatus reads too.
-- Suspended only for an explicit pause: a Suspended app never completes.
local health = { status = "Progressing", message = "waiting for the operator" }
if obj.status == nil or obj.status.conditions == nil then
  return health
end
local generation = obj.status.observedGeneration
if generation ~= nil and generation ~= obj.metadata.generation then
  return health
end
local conditions = {}
for _, condition in ipairs(obj.status.conditions) do
  conditions[condition.type] = condition
end
local text = obj.status.message or ""
local stalled, ready = conditions["Stalled"], conditions["Ready"]
health.message = ready ~= nil and ready.reason .. ": " .. text or text
local blocked = conditions["DrainBlocked"]
if stalled ~= nil and stalled.status == "True" then
  health.status = "Degraded"
elseif ready ~= nil and ready.status == "True" then
  health.status = "Healthy"
elseif ready ~= nil and ready.reason == "Paused" then
  health.status = "Suspended"
elseif ready ~= nil and ready.reason == "AwaitingApproval" then
  return health -- what blocks the drain matters after that
elseif blocked ~= nil and blocked.status == "True" then
  health.message = "blocked: " .. (blocked.message or "") .. " " .. text
end
return health
