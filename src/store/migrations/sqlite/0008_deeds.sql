-- What a customer holds and has done: one row for each service of which there is something to say, none for the others.

-- The links of a service before this generation are replaced. No row: the first one (0), made with the service, is valid.
CREATE TABLE service_link (
    service_id INTEGER NOT NULL PRIMARY KEY REFERENCES service (id),
    generation INTEGER NOT NULL,
    made_at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE customer_deed (
    service_id              INTEGER NOT NULL PRIMARY KEY REFERENCES service (id),
    credentials_shown_at_ms INTEGER NOT NULL, -- 0: the passwords that it has now were not shown to the customer
    password_asked_at_ms    INTEGER NOT NULL,
    retried_at_ms           INTEGER NOT NULL
) STRICT;
