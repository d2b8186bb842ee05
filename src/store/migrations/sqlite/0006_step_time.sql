-- How long each step took on each node, the latest runs that went well at once: what a customer is told about the time left,
-- and the weights of the progress bar.

CREATE TABLE step_time (
    action  TEXT NOT NULL,
    node_id INTEGER NOT NULL, -- 0: it runs on none
    made    INTEGER NOT NULL, -- 1: something was made; 0: it was there already, or only looked at
    samples BLOB NOT NULL,    -- core/step_time.h: milliseconds and seconds since 1970, oldest first
    PRIMARY KEY (action, node_id, made)
) STRICT, WITHOUT ROWID;
