-- post.lua - wrk posts pins of 744 bytes in the Kafka REST v2 format.
-- RECORDS in the environment: how many a request.
local records = tonumber(os.getenv("RECORDS") or "1")
local pad = string.rep("the quick brown fox ", 40)

local function pin(i)
  local head = '{"index":' .. i .. ',"unique_id":"f0c7a5c5-9a0a-4788-a408-'
    .. string.format("%012d", i) .. '","title":"'
  local tail = '","follower_count":"12k","category":"art"}'
  return head .. pad:sub(1, 744 - #head - #tail) .. tail
end

wrk.method = "POST"
wrk.headers["Content-Type"] = "application/vnd.kafka.json.v2+json"
wrk.headers["Accept"] = "application/vnd.kafka.v2+json"

local parts = {}
for i = 1, records do
  parts[i] = '{"value":' .. pin(i) .. "}"
end
wrk.body = '{"records":[' .. table.concat(parts, ",") .. "]}"

function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '{"requests": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f, "errors": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1000,
    latency:percentile(99) / 1000,
    e.connect + e.read + e.write + e.status + e.timeout))
end
