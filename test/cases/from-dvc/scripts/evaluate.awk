# Mean squared error of a model on a table: awk -f evaluate.awk MODEL TABLE
BEGIN { FS = "," }
NR == FNR { a = $1; b = $2; next }
{ e = a * $1 + b - $2; sum += e * e; n++ }
END { printf "{\"mse\": %.3f, \"n\": %d}\n", sum / n, n }
