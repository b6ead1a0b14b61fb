SELECT * FROM @table@ WHERE @key@ >= $1 ORDER BY @key@ LIMIT $2 OFFSET $3
