#!/bin/sh
# embed.sh LANGUAGE FILE - writes C source to stdout that holds a catalogue of words: one "key": "text" a line, sorted by key.
# Of JSON's escapes only \" and \\ may be in it, which mean the same in C.
set -eu
if grep -n '\\[^"\\]' "$2" >&2; then
    echo "embed.sh: $2: only \\\" and \\\\ may be escaped" >&2
    exit 1
fi
printf '/* Made by messages/embed.sh: do not edit. */\n#include "core/messages.h"\n\nconst struct message messages_%s[] = {\n' "$1"
LC_ALL=C sed -n 's/^ *\("[^"]*"\): \(".*"\),\{0,1\}$/    { \1, \2 },/p' "$2"
printf '};\nconst size_t messages_%s_count = sizeof(messages_%s) / sizeof(messages_%s[0]);\n' "$1" "$1" "$1"
