SELECT * FROM @table@ WHERE @key@ >= ? ORDER BY @key@ LIMIT ? OFFSET ?
