-- What staff have set, and who changed what. Rows that the program does not know (any more) are left alone.

-- Only what differs from the program's own default. A secret has no value but a cipher, anything else no cipher.
CREATE TABLE setting_value (
    name   TEXT NOT NULL PRIMARY KEY,
    value  TEXT NOT NULL,
    cipher BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE setting_change (
    id        INTEGER NOT NULL PRIMARY KEY,
    at_ms     INTEGER NOT NULL,
    who       TEXT NOT NULL,
    name      TEXT NOT NULL,
    old_value TEXT NOT NULL,
    new_value TEXT NOT NULL
) STRICT;
