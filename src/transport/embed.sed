# Turns a shell script into lines of a C string table; comments, indentation and empty lines stay behind.
/^ *#/d
s/^ *//
/^$/d
s/\\/\\\\/g
s/"/\\"/g
s/.*/"&\\n",/
