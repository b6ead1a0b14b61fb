-- title: Readings of the highest station
-- question: What did the highest station measure?
-- columns: label, height_m, reading_id, celsius
-- chart: bar x=reading_id y=celsius
-- definition: Stations without a height are left out; ties are all kept.

SELECT
    s.label,
    s.height_m,
    r.reading_id,
    r.celsius
FROM clean_station s
JOIN clean_reading r ON r.station = s.code
WHERE s.height_m = (SELECT max(height_m) FROM clean_station)
ORDER BY s.label NULLS LAST, s.height_m NULLS LAST, r.reading_id NULLS LAST,
    r.celsius NULLS LAST
