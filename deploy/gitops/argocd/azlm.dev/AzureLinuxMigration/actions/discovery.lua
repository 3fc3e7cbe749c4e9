-- Which words make sense now. The operator acts once on each new value of an annotation and records
-- it in the status, so that a self-heal that removes the annotation undoes nothing.
local phase, waits = "", false
if obj.status ~= nil then
  phase = obj.status.phase or ""
  for _, condition in ipairs(obj.status.conditions or {}) do
    if condition.type == "Ready" and condition.reason == "AwaitingApproval" then
      waits = true
    end
  end
end
local ended = phase == "Succeeded" or phase == "Planned" or phase == "RolledBack" or phase == "Aborted"
local actions = {}
actions["pause"] = { disabled = ended or phase == "Paused" }
actions["resume"] = { disabled = phase ~= "Paused" }
actions["approve"] = { disabled = not waits }
actions["rollback"] = { disabled = ended or phase == "RollingBack" }
actions["abort"] = { disabled = ended }
actions["retry"] = { disabled = not (phase == "RolledBack" or phase == "Aborted" or phase == "Stalled") }
return actions
