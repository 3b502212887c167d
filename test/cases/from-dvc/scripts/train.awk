# Fits y = a x + b by gradient descent: awk -f train.awk -v rate=0.01 -v steps=500 TABLE
BEGIN { FS = "," }
{ x[NR] = $1; y[NR] = $2 }
END {
  for (step = 0; step < steps; step++) {
    da = db = 0
    for (i = 1; i <= NR; i++) {
      e = a * x[i] + b - y[i]
      da += e * x[i]
      db += e
    }
    a -= rate * da / NR
    b -= rate * db / NR
  }
  printf "%.4f,%.4f\n", a, b
}
