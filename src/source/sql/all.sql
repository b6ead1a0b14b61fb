SELECT * FROM @table@
