-- Looks at what the world sees of live services: those that are due are found by one step down this index, however many services
-- there are that need none any more.
CREATE INDEX ssl_request_due ON ssl_request (next_check_ms) WHERE next_check_ms > 0;
