-- The first schema, SQLite dialect. Shared rules: ids and moments are integers of 64 bit, moments in milliseconds since
-- 1970-01-01 UTC, 0 is "none" or "never", truth is 0 or 1, texts are never NULL. States and kinds are the numbers of the
-- enums in core/model.h. A released migration is never edited, only followed by another one.
--
-- SQLite ends every index entry with the row's id, so an index on (queue) is one on (queue, id).

CREATE TABLE setting (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One row: the process that works on this database. Each new owner raises the epoch.
CREATE TABLE owner (
    id             INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    epoch          INTEGER NOT NULL,
    lease_until_ms INTEGER NOT NULL,
    pid            TEXT NOT NULL
) STRICT;
INSERT INTO owner (id, epoch, lease_until_ms, pid) VALUES (1, 0, 0, '');

-- Fences come from here: a row of its own outlives whatever is archived, so that no fence is ever issued twice.
CREATE TABLE counter (
    name  TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO counter (name, value) VALUES ('fence', 0);

-- ---- catalogue -----------------------------------------------------------------------------------------------------

CREATE TABLE node_group (
    id    INTEGER NOT NULL PRIMARY KEY,
    name  TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL
) STRICT;

CREATE TABLE node (
    id              INTEGER NOT NULL PRIMARY KEY,
    load            INTEGER NOT NULL,
    slot_attempt_id INTEGER NOT NULL,
    changes         INTEGER NOT NULL,
    reloaded        INTEGER NOT NULL,
    name            TEXT NOT NULL UNIQUE,
    driver          TEXT NOT NULL,
    roles           INTEGER NOT NULL,
    ssh_address     TEXT NOT NULL,
    ssh_port        INTEGER NOT NULL,
    ssh_user        TEXT NOT NULL,
    host_key        TEXT NOT NULL,
    hostname        TEXT NOT NULL,
    public_ip4      TEXT NOT NULL,
    public_ip6      TEXT NOT NULL,
    probe_address   TEXT NOT NULL,
    probe_http_port INTEGER NOT NULL,
    probe_imap_port INTEGER NOT NULL,
    probe_dns_port  INTEGER NOT NULL,
    ns_name         TEXT NOT NULL,
    channels_max    INTEGER NOT NULL,
    capacity_max    INTEGER NOT NULL,
    state           INTEGER NOT NULL,
    state_reason    TEXT NOT NULL,
    state_since_ms  INTEGER NOT NULL,
    created_at_ms   INTEGER NOT NULL
) STRICT;

CREATE TABLE node_membership (
    node_id  INTEGER NOT NULL REFERENCES node (id),
    group_id INTEGER NOT NULL REFERENCES node_group (id),
    PRIMARY KEY (node_id, group_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE product (
    id            INTEGER NOT NULL PRIMARY KEY,
    name          TEXT NOT NULL UNIQUE,
    title         TEXT NOT NULL,
    mode          INTEGER NOT NULL,
    group_id      INTEGER NOT NULL REFERENCES node_group (id),
    spec          TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE zone_template (
    name TEXT NOT NULL PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;

CREATE TABLE token (
    id            INTEGER NOT NULL PRIMARY KEY,
    name          TEXT NOT NULL,
    hash          BLOB NOT NULL UNIQUE,
    created_at_ms INTEGER NOT NULL
) STRICT;

-- ---- services ------------------------------------------------------------------------------------------------------
-- An accepted order is one row here and its entries in four partial indexes; nothing else is written before the answer.

CREATE TABLE service (
    id              INTEGER NOT NULL PRIMARY KEY,
    status          INTEGER NOT NULL,
    product_id      INTEGER NOT NULL REFERENCES product (id),
    operation_id    INTEGER NOT NULL,
    event_seq       INTEGER NOT NULL,
    generation      INTEGER NOT NULL,
    created_at_ms   INTEGER NOT NULL,
    updated_at_ms   INTEGER NOT NULL,
    live_at_ms      INTEGER NOT NULL,
    external_id     TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    domain          TEXT NOT NULL,
    domain_key      TEXT NOT NULL, -- labels from the right, each with a dot: 'com.example.'
    client_id       TEXT NOT NULL,
    client_name     TEXT NOT NULL,
    client_email    TEXT NOT NULL,
    options         TEXT NOT NULL,
    reason          TEXT NOT NULL,
    reason_key      TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX service_external_id ON service (external_id) WHERE external_id <> '' AND status <> 6;
CREATE UNIQUE INDEX service_idempotency_key ON service (idempotency_key) WHERE idempotency_key <> '' AND status <> 6;
CREATE UNIQUE INDEX service_domain ON service (domain_key) WHERE status <> 6;
-- All but live and terminated, which are most and are found without it.
CREATE INDEX service_unsettled ON service (status) WHERE status IN (0, 1, 2, 4, 5);
-- Services enter these when their graph is made and when they end, so that an order does not pay for them.
CREATE INDEX service_client ON service (client_id) WHERE status <> 0;
CREATE INDEX service_former_external_id ON service (external_id, generation) WHERE external_id <> '' AND status = 6;
CREATE INDEX service_former_domain ON service (domain_key) WHERE status = 6;

CREATE TABLE account (
    id            INTEGER NOT NULL PRIMARY KEY,
    service_id    INTEGER NOT NULL REFERENCES service (id),
    node_id       INTEGER NOT NULL REFERENCES node (id),
    roles         INTEGER NOT NULL,
    username      TEXT NOT NULL,
    package       TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    UNIQUE (node_id, username)
) STRICT;
CREATE INDEX account_service ON account (service_id);

-- ---- operations and tasks ------------------------------------------------------------------------------------------

CREATE TABLE operation (
    id            INTEGER NOT NULL PRIMARY KEY,
    service_id    INTEGER NOT NULL REFERENCES service (id),
    kind          INTEGER NOT NULL,
    state         INTEGER NOT NULL,
    weight_total  INTEGER NOT NULL,
    weight_done   INTEGER NOT NULL,
    tasks_total   INTEGER NOT NULL,
    tasks_done    INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    ended_at_ms   INTEGER NOT NULL,
    pipeline      TEXT NOT NULL,
    pipeline_hash TEXT NOT NULL
) STRICT;
CREATE INDEX operation_service ON operation (service_id);

CREATE TABLE task (
    id             INTEGER NOT NULL PRIMARY KEY,
    operation_id   INTEGER NOT NULL REFERENCES operation (id),
    service_id     INTEGER NOT NULL REFERENCES service (id),
    node_id        INTEGER NOT NULL, -- 0: none
    queue          INTEGER NOT NULL, -- task_queue_id(node_id, lane)
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
CREATE INDEX task_operation ON task (operation_id);
-- One index per state that is looked for, each with the tasks of that state only: finished tasks are in none of them. The state
-- itself (always the same) is in the entry so that counting need not look at the task.
CREATE INDEX task_queued ON task (queue, state) WHERE state = 1;
CREATE INDEX task_queued_action ON task (queue, action) WHERE state = 1;
CREATE INDEX task_running ON task (state) WHERE state = 2;
CREATE INDEX task_waiting ON task (due_at_ms, state) WHERE state = 3;
CREATE INDEX task_stuck ON task (state) WHERE state IN (4, 6);

-- from_task must end well before to_task starts; met: it has.
CREATE TABLE edge (
    from_task_id INTEGER NOT NULL REFERENCES task (id),
    to_task_id   INTEGER NOT NULL REFERENCES task (id),
    met          INTEGER NOT NULL,
    PRIMARY KEY (from_task_id, to_task_id)
) STRICT, WITHOUT ROWID;

-- ---- history -------------------------------------------------------------------------------------------------------

CREATE TABLE attempt (
    id            INTEGER NOT NULL PRIMARY KEY, -- the fence
    task_id       INTEGER NOT NULL REFERENCES task (id),
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
CREATE UNIQUE INDEX attempt_task ON attempt (task_id, number);

CREATE TABLE log_chunk (
    id         INTEGER NOT NULL PRIMARY KEY,
    attempt_id INTEGER NOT NULL REFERENCES attempt (id),
    first_byte INTEGER NOT NULL,
    at_ms      INTEGER NOT NULL,
    stream     INTEGER NOT NULL,
    data       BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX log_chunk_attempt ON log_chunk (attempt_id, first_byte);

CREATE TABLE event (
    service_id INTEGER NOT NULL REFERENCES service (id),
    seq        INTEGER NOT NULL,
    at_ms      INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    data       TEXT NOT NULL,
    PRIMARY KEY (service_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE fact (
    service_id INTEGER NOT NULL REFERENCES service (id),
    role       INTEGER NOT NULL,
    node_id    INTEGER NOT NULL,
    key        TEXT NOT NULL,
    value      TEXT NOT NULL,
    attempt_id INTEGER NOT NULL,
    PRIMARY KEY (service_id, role, node_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE secret (
    service_id INTEGER NOT NULL REFERENCES service (id),
    node_id    INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    cipher     BLOB NOT NULL,
    PRIMARY KEY (service_id, node_id, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE ssl_request (
    service_id    INTEGER NOT NULL PRIMARY KEY REFERENCES service (id),
    domain        TEXT NOT NULL,
    state         INTEGER NOT NULL,
    next_check_ms INTEGER NOT NULL
) STRICT;
