-- The value names the gate. A suffix that is new each time opens it again in another attempt.
local os = require("os")
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["azlm.dev/approve"] = obj.spec.approval .. "." .. os.time()
return obj
