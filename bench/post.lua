-- post.lua - wrk posts pins of 744 bytes in the Kafka REST v2 format.
-- RECORDS in the environment: how many a request; 0: one pin with all its
-- fields, as POST /pin/ takes it.
local records = tonumber(os.getenv("RECORDS") or "1")
local pad = string.rep("the quick brown fox ", 40)

local function pin(i)
  local head = '{"index":' .. i .. ',"unique_id":"f0c7a5c5-9a0a-4788-a408-'
    .. string.format("%012d", i) .. '","title":"'
  local tail = '","follower_count":"12k","category":"art"}'
  return head .. pad:sub(1, 744 - #head - #tail) .. tail
end

local function whole(i)
  local head = '{"category":"art","index":' .. i .. ',"unique_id":"f0c7a5c5-9a0a-4788-a408-'
    .. string.format("%012d", i) .. '","title":"A title","description":"'
  local tail = '","follower_count":"12k","tag_list":"art,drawing,paper",'
    .. '"is_image_or_video":"image","image_src":"https://example.org/a/b/c.jpg",'
    .. '"downloaded":1,"save_location":"Local save in /data/art"}'
  return head .. pad:sub(1, 744 - #head - #tail) .. tail
end

wrk.method = "POST"
wrk.headers["Content-Type"] = "application/vnd.kafka.json.v2+json"
wrk.headers["Accept"] = "application/vnd.kafka.v2+json"

if records == 0 then
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["Accept"] = nil
  wrk.body = whole(7528)
  records = nil
end

local parts = {}
for i = 1, records or 0 do
  parts[i] = '{"value":' .. pin(i) .. "}"
end
if records then
  wrk.body = '{"records":[' .. table.concat(parts, ",") .. "]}"
end

function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '{"requests": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f, "errors": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1000,
    latency:percentile(99) / 1000,
    e.connect + e.read + e.write + e.status + e.timeout))
end
