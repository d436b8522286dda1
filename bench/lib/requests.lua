-- wrk's side of the HTTP lines: requests read from the file PATHS (one path a line, gone through in turn by all connections),
-- the method METHOD, a body of BODY_BYTES bytes, the text BODY, or the contents of the files BODIES (a name a line) in turn; the figures as one line of JSON.
local paths, nth = {}, 0
for line in io.lines(os.getenv("PATHS")) do paths[#paths + 1] = line end
local method = os.getenv("METHOD") or "GET"
local body = os.getenv("BODY")
local size = tonumber(os.getenv("BODY_BYTES") or "0")
if size > 0 then body = string.rep("0123456789abcdef", size / 16) end

local bodies = {}
for file in string.gmatch(os.getenv("BODIES") or "", "[^\n]+") do
  local opened = assert(io.open(file, "rb"))
  bodies[#bodies + 1] = opened:read("*a")
  opened:close()
end

function request()
  nth = nth + 1
  return wrk.format(method, paths[nth % #paths + 1], nil, bodies[nth % math.max(#bodies, 1) + 1] or body)
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('{"requests":%d,"us":%d,"bytes":%d,"p50":%d,"p99":%d,"refused":%d,"broken":%d}\n', summary.requests,
    summary.duration, summary.bytes, latency:percentile(50), latency:percentile(99), errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
