-- title: Mean temperature per station
-- question: How warm is it at each station?
-- columns: station, readings, mean_celsius
-- chart: bar x=station y=mean_celsius
-- definition: Over readings with a known temperature and station.

SELECT
    r.station,
    count(*) AS readings,
    avg(r.celsius) AS mean_celsius
FROM clean_reading r
WHERE r.celsius IS NOT NULL AND r.station IS NOT NULL
GROUP BY r.station
ORDER BY r.station NULLS LAST
