-- The value names the gate; a number follows where its name alone was used before.
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
local gate = obj.spec.approval or "Automatic"
local used = (obj.status or {}).handledApproval or ""
local value = gate
if used == gate then
  value = gate .. ".2"
elseif string.sub(used, 1, #gate + 1) == gate .. "." then
  local number = tonumber(string.sub(used, #gate + 2))
  value = gate .. "." .. string.format("%d", (number or 1) + 1)
end
obj.metadata.annotations["azlm.dev/approve"] = value
return obj
