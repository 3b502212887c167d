# Rows with a number for the temperature, without the head.
awk -F, 'NR > 1 && $2 ~ /^-?[0-9.]+$/' "$1"
