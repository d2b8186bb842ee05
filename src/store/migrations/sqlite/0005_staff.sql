-- Who may do what: people with their sessions, tokens with a role, and the record of what both have done. Roles are the numbers of
-- enum staff_role in core/staff.h.

CREATE TABLE staff (
    id               INTEGER NOT NULL PRIMARY KEY,
    name             TEXT NOT NULL UNIQUE,
    role             INTEGER NOT NULL,
    disabled         INTEGER NOT NULL,
    password         TEXT NOT NULL, -- argon2id
    created_at_ms    INTEGER NOT NULL,
    last_login_at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE session (
    id            INTEGER NOT NULL PRIMARY KEY,
    staff_id      INTEGER NOT NULL REFERENCES staff (id),
    hash          BLOB NOT NULL UNIQUE, -- of the secret, which is nowhere
    created_at_ms INTEGER NOT NULL,
    used_at_ms    INTEGER NOT NULL
) STRICT;
CREATE INDEX session_staff ON session (staff_id);

-- Nothing refers to anything here: it must outlive what it speaks of.
CREATE TABLE audit (
    id     INTEGER NOT NULL PRIMARY KEY,
    at_ms  INTEGER NOT NULL,
    who    TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;

-- Tokens from before there were roles may do everything, as they could.
ALTER TABLE token ADD COLUMN role INTEGER NOT NULL DEFAULT 2;
ALTER TABLE token ADD COLUMN revoked_at_ms INTEGER NOT NULL DEFAULT 0;
