#!/bin/sh
# Ask examples/serve.py what pictures show: ask.sh PICTURE…
# It listens at port 8000 unless PORT says otherwise.
set -eu
for picture; do
    printf '{"image": "%s"}' "$(base64 <"$picture" | tr -d '\n')" |
        curl -fsS "localhost:${PORT:-8000}/predict" -H 'Content-Type: application/json' -d @-
    echo "  $picture"
done
