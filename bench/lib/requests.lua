-- wrk's side of the HTTP lines: requests read from the file PATHS (one path a line, gone through in turn by all connections),
-- the method METHOD, a body of BODY_BYTES bytes or the text BODY; the figures as one line of JSON.
local paths, nth = {}, 0
for line in io.lines(os.getenv("PATHS")) do paths[#paths + 1] = line end
local method = os.getenv("METHOD") or "GET"
local body = os.getenv("BODY")
local size = tonumber(os.getenv("BODY_BYTES") or "0")
if size > 0 then body = string.rep("0123456789abcdef", size / 16) end

function request()
  nth = nth % #paths + 1
  return wrk.format(method, paths[nth], nil, body)
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('{"requests":%d,"us":%d,"bytes":%d,"p50":%d,"p99":%d,"refused":%d,"broken":%d}\n', summary.requests,
    summary.duration, summary.bytes, latency:percentile(50), latency:percentile(99), errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
