-- Tickets: what a person is told when a service fails for good, and the messages that tell it. A message is written in the
-- transaction of what it tells and leaves through a channel later, so that it is neither lost nor made up. States, kinds and
-- channels are the numbers of the enums in core/ticket.h.

CREATE TABLE ticket (
    id            INTEGER NOT NULL PRIMARY KEY,
    service_id    INTEGER NOT NULL REFERENCES service (id),
    operation_id  INTEGER NOT NULL REFERENCES operation (id),
    channel       INTEGER NOT NULL,
    state         INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    updated_at_ms INTEGER NOT NULL,
    marker        TEXT NOT NULL, -- by which the channel finds it again
    thread_key    TEXT NOT NULL, -- the key of its first message
    remote_id     TEXT NOT NULL, -- what the channel calls it, '' before it is there
    remote_number TEXT NOT NULL, -- what people call it there
    UNIQUE (service_id, operation_id)
) STRICT;
CREATE INDEX ticket_open ON ticket (service_id) WHERE state = 0;

CREATE TABLE outbox (
    id              INTEGER NOT NULL PRIMARY KEY,
    ticket_id       INTEGER NOT NULL REFERENCES ticket (id),
    kind            INTEGER NOT NULL,
    state           INTEGER NOT NULL,
    attempts        INTEGER NOT NULL,
    due_at_ms       INTEGER NOT NULL,
    created_at_ms   INTEGER NOT NULL,
    sent_at_ms      INTEGER NOT NULL,
    idempotency_key TEXT NOT NULL UNIQUE,
    body            TEXT NOT NULL,
    last_error      TEXT NOT NULL
) STRICT;
CREATE INDEX outbox_ticket ON outbox (ticket_id);
-- What has been sent is in none of these.
CREATE INDEX outbox_queued ON outbox (due_at_ms, state) WHERE state = 0;
CREATE INDEX outbox_unsent ON outbox (state) WHERE state IN (1, 3);
