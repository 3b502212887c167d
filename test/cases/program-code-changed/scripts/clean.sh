sort raw > clean.csv
