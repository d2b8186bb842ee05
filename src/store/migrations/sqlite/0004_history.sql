-- History: tasks and edges of operations that have ended leave the live tables, which stay as small as what there is to do.
-- Ids stay the same: a task is in one of the two tables.

CREATE TABLE task_history (
    id             INTEGER NOT NULL PRIMARY KEY,
    operation_id   INTEGER NOT NULL REFERENCES operation (id),
    service_id     INTEGER NOT NULL REFERENCES service (id),
    node_id        INTEGER NOT NULL,
    queue          INTEGER NOT NULL,
    state          INTEGER NOT NULL,
    needs_left     INTEGER NOT NULL,
    due_at_ms      INTEGER NOT NULL,
    attempt_id     INTEGER NOT NULL,
    attempts       INTEGER NOT NULL,
    lease_until_ms INTEGER NOT NULL,
    suspect        INTEGER NOT NULL,
    role           INTEGER NOT NULL,
    lane           INTEGER NOT NULL,
    weight         INTEGER NOT NULL,
    deadline_ms    INTEGER NOT NULL,
    created_at_ms  INTEGER NOT NULL,
    started_at_ms  INTEGER NOT NULL,
    ended_at_ms    INTEGER NOT NULL,
    key            TEXT NOT NULL,
    action         TEXT NOT NULL,
    label_key      TEXT NOT NULL,
    cause_id       TEXT NOT NULL,
    reason         TEXT NOT NULL,
    inputs_hash    TEXT NOT NULL
) STRICT;
CREATE INDEX task_history_operation ON task_history (operation_id);

CREATE TABLE edge_history (
    from_task_id INTEGER NOT NULL,
    to_task_id   INTEGER NOT NULL,
    met          INTEGER NOT NULL,
    PRIMARY KEY (from_task_id, to_task_id)
) STRICT, WITHOUT ROWID;

-- The highest number of those that have left: a live table that is empty would begin again at 1.
INSERT INTO counter (name, value) VALUES ('task', 0);

-- ---- what refers to tasks ------------------------------------------------------------------------------------------
-- An attempt stays where it is when its task moves, so it can refer to neither table; and a task that is deleted must not be
-- looked for in all edges. SQLite takes a reference away only by building the table anew, and with it those that refer to it.

CREATE TABLE edge_new (
    from_task_id INTEGER NOT NULL,
    to_task_id   INTEGER NOT NULL,
    met          INTEGER NOT NULL,
    PRIMARY KEY (from_task_id, to_task_id)
) STRICT, WITHOUT ROWID;
INSERT INTO edge_new (from_task_id, to_task_id, met) SELECT from_task_id, to_task_id, met FROM edge;
DROP TABLE edge;
ALTER TABLE edge_new RENAME TO edge;

CREATE TABLE attempt_new (
    id            INTEGER NOT NULL PRIMARY KEY, -- the fence
    task_id       INTEGER NOT NULL, -- in task or task_history
    node_id       INTEGER NOT NULL,
    number        INTEGER NOT NULL,
    outcome       INTEGER NOT NULL,
    started_at_ms INTEGER NOT NULL,
    ended_at_ms   INTEGER NOT NULL,
    log_bytes     INTEGER NOT NULL,
    log_truncated INTEGER NOT NULL,
    cause_id      TEXT NOT NULL,
    detail        TEXT NOT NULL
) STRICT;
INSERT INTO attempt_new (id, task_id, node_id, number, outcome, started_at_ms, ended_at_ms, log_bytes, log_truncated,
    cause_id, detail)
    SELECT id, task_id, node_id, number, outcome, started_at_ms, ended_at_ms, log_bytes, log_truncated, cause_id, detail
    FROM attempt;

CREATE TABLE log_chunk_new (
    id         INTEGER NOT NULL PRIMARY KEY,
    attempt_id INTEGER NOT NULL REFERENCES attempt_new (id),
    first_byte INTEGER NOT NULL,
    at_ms      INTEGER NOT NULL,
    stream     INTEGER NOT NULL,
    data       BLOB NOT NULL
) STRICT;
INSERT INTO log_chunk_new (id, attempt_id, first_byte, at_ms, stream, data)
    SELECT id, attempt_id, first_byte, at_ms, stream, data FROM log_chunk;

DROP TABLE log_chunk;
DROP TABLE attempt;
ALTER TABLE attempt_new RENAME TO attempt; -- the reference of log_chunk_new follows
ALTER TABLE log_chunk_new RENAME TO log_chunk;
CREATE UNIQUE INDEX attempt_task ON attempt (task_id, number);
CREATE UNIQUE INDEX log_chunk_attempt ON log_chunk (attempt_id, first_byte);

-- ---- how far an operation has come ---------------------------------------------------------------------------------

ALTER TABLE operation ADD COLUMN archived INTEGER NOT NULL DEFAULT 0; -- 1: none of its tasks is live
ALTER TABLE operation ADD COLUMN former INTEGER NOT NULL DEFAULT 0;   -- 1: not the latest of a service that exists
ALTER TABLE operation ADD COLUMN has_logs INTEGER NOT NULL DEFAULT 1; -- 0: its attempts have no logs any more
ALTER TABLE operation ADD COLUMN logs_removed_at_ms INTEGER NOT NULL DEFAULT 0;

-- One index per thing to do, each with the operations of which it is to be done: the first is the one that ended first.
CREATE INDEX operation_ended ON operation (ended_at_ms) WHERE archived = 0 AND state IN (1, 3, 4);
CREATE INDEX operation_logs ON operation (ended_at_ms) WHERE archived = 1 AND has_logs = 1;
CREATE INDEX operation_former ON operation (ended_at_ms) WHERE archived = 1 AND former = 1;
CREATE INDEX ticket_operation ON ticket (operation_id);
