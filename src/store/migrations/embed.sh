#!/bin/sh
# embed.sh DIALECT FILE... - writes C source to stdout that holds the migrations NNNN_name.sql, in the order given.
set -eu
dialect=$1
shift
printf '/* Made by migrations/embed.sh: do not edit. */\n#include "migrate.h"\n\n'
rows=
for file in "$@"; do
    base=$(basename "$file" .sql)
    digits=${base%%_*}
    number=$(expr "$digits" + 0)
    printf 'static const char text_%s[] = {\n' "$digits"
    od -An -v -tx1 "$file" | sed 's/ \(..\)/0x\1,/g'
    printf '0x00 };\n\n'
    rows="$rows    { $number, \"${base#*_}\", text_$digits },
"
done
printf 'const struct migration migrations_%s[] = {\n%s};\n' "$dialect" "$rows"
printf 'const size_t migrations_%s_count = sizeof(migrations_%s) / sizeof(migrations_%s[0]);\n' "$dialect" "$dialect" "$dialect"
