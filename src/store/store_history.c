/* store_history.c - what happened and what was learned: attempts and their logs, events, facts, secrets, requests for
 * certificates. See store.h. */
#include "store_internal.h"

#include <inttypes.h>

/* ---- attempts ----------------------------------------------------------------------------------------------------- */

/* The last one is NULL, read as 0, for the attempts of a live task. */
#define ATTEMPT_COLUMNS                                                                                                \
    "id, task_id, node_id, number, outcome, started_at_ms, ended_at_ms, log_bytes, log_truncated, cause_id, detail,"   \
    " (SELECT operation.logs_removed_at_ms FROM task_history JOIN operation"                                           \
    "  ON operation.id = task_history.operation_id WHERE task_history.id = attempt.task_id)"

static void attempt_read(struct db_rows *rows, struct attempt *attempt)
{
    attempt->id = db_take_int(rows);
    attempt->task_id = db_take_int(rows);
    attempt->node_id = db_take_int(rows);
    attempt->number = (int)db_take_int(rows);
    attempt->outcome = (enum attempt_outcome)db_take_int(rows);
    attempt->started_at_ms = db_take_int(rows);
    attempt->ended_at_ms = db_take_int(rows);
    attempt->log_bytes = db_take_int(rows);
    attempt->log_truncated = db_take_int(rows) != 0;
    attempt->cause_id = db_take_text(rows);
    attempt->detail = db_take_text(rows);
    int64_t log_removed_at_ms = db_take_int(rows);
    attempt->log_removed_at_ms = attempt->log_bytes == 0 ? 0 : log_removed_at_ms; /* there was nothing to remove */
}

DEFINE_RECORD_KIND(attempt, attempts)

static const char sql_end_attempt[] =
    "UPDATE attempt SET outcome = $2, cause_id = $3, detail = $4, ended_at_ms = $5"
    " WHERE id = $1 AND outcome = " SQL_ATTEMPT_RUNNING;

bool store_end_attempt(struct store *store, const struct attempt *attempt, struct err *err)
{
    assert(attempt->outcome != ATTEMPT_RUNNING);
    int64_t changed;
    if (!store_run(store, sql_end_attempt,
                   ARGS(db_int(attempt->id), db_int(attempt->outcome), db_text(attempt->cause_id),
                        db_text(attempt->detail), db_int(attempt->ended_at_ms)),
                   &changed, err))
        return err_wrap(err, "end attempt %" PRId64, attempt->id);
    return changed == 1 || err_set(err, ERR_LOST, "attempt %" PRId64 " is not running any more", attempt->id);
}

static const char sql_get_attempt[] = "SELECT " ATTEMPT_COLUMNS " FROM attempt WHERE id = $1";

bool store_get_attempt(struct store *store, int64_t id, struct attempt *ret_attempt, struct err *err)
{
    bool found;
    if (!store_get_record(store, &attempt_record, sql_get_attempt, ARGS(db_int(id)), ret_attempt, &found, err))
        return err_wrap(err, "attempt %" PRId64, id);
    return found || err_set(err, ERR_NOT_FOUND, "no attempt %" PRId64, id);
}

static const char sql_list_attempts[] = "SELECT " ATTEMPT_COLUMNS " FROM attempt WHERE task_id = $1 ORDER BY number";

bool store_list_attempts(struct store *store, int64_t task_id, struct attempt **ret_attempts, size_t *ret_count,
                         struct err *err)
{
    void *attempts;
    if (!store_get_records(store, &attempt_record, sql_list_attempts, ARGS(db_int(task_id)), &attempts, ret_count, err))
        return err_wrap(err, "attempts of task %" PRId64, task_id);
    *ret_attempts = attempts;
    return true;
}

static const char sql_waiting_since[] =
    "SELECT coalesce(min(started_at_ms), 0) FROM attempt WHERE task_id = $1 AND outcome = " SQL_ATTEMPT_WAITED
    " AND number > (SELECT coalesce(max(number), 0) FROM attempt WHERE task_id = $1"
    "  AND outcome NOT IN (" SQL_ATTEMPT_RUNNING ", " SQL_ATTEMPT_WAITED "))";

bool store_get_waiting_since(struct store *store, int64_t task_id, int64_t *ret_since_ms, struct err *err)
{
    return store_get_int(store, sql_waiting_since, ARGS(db_int(task_id)), ret_since_ms, err) ||
           err_wrap(err, "how long task %" PRId64 " has waited", task_id);
}

/* ---- logs --------------------------------------------------------------------------------------------------------- */

static void log_chunk_read(struct db_rows *rows, struct log_chunk *chunk)
{
    chunk->attempt_id = db_take_int(rows);
    chunk->offset = db_take_int(rows);
    chunk->at_ms = db_take_int(rows);
    chunk->stream = (int)db_take_int(rows);
    chunk->data = db_take_blob(rows, &chunk->length);
}

DEFINE_RECORD_KIND(log_chunk, log_chunks)

struct log_end {
    int64_t bytes;
    bool truncated;
};

static void log_end_read(struct db_rows *rows, void *record)
{
    struct log_end *end = record;
    end->bytes = db_take_int(rows);
    end->truncated = db_take_int(rows) != 0;
}

static void log_end_finish(void *record)
{
    (void)record;
}

static const struct record_kind log_end_record = { sizeof(struct log_end), log_end_read, log_end_finish };

static const char sql_get_log_end[] = "SELECT log_bytes, log_truncated FROM attempt WHERE id = $1";
static const char sql_set_log_end[] = "UPDATE attempt SET log_bytes = $2, log_truncated = $3 WHERE id = $1";
static const char sql_insert_log_chunk[] =
    "INSERT INTO log_chunk (attempt_id, first_byte, at_ms, stream, data) VALUES ($1, $2, $3, $4, $5)";

bool store_append_log(struct store *store, struct log_chunk *chunk, struct err *err)
{
    assert(chunk->length <= LOG_CHUNK_MAX);
    struct log_end end;
    bool found;
    if (!store_get_record(store, &log_end_record, sql_get_log_end, ARGS(db_int(chunk->attempt_id)), &end, &found, err))
        return err_wrap(err, "log of attempt %" PRId64, chunk->attempt_id);
    if (!found)
        return err_set(err, ERR_NOT_FOUND, "no attempt %" PRId64, chunk->attempt_id);
    int64_t offset = end.bytes;
    if (end.truncated || chunk->length == 0) {
        chunk->offset = offset;
        return true;
    }
    size_t room = (size_t)((int64_t)ATTEMPT_LOG_MAX - offset);
    size_t length = chunk->length < room ? chunk->length : room;
    end.truncated = length < chunk->length;
    end.bytes += (int64_t)length;
    if (length > 0 && !store_run(store, sql_insert_log_chunk,
                                 ARGS(db_int(chunk->attempt_id), db_int(offset), db_int(chunk->at_ms),
                                      db_int(chunk->stream), db_blob(chunk->data, length)),
                                 NULL, err))
        return err_wrap(err, "log of attempt %" PRId64, chunk->attempt_id);
    if (!store_run_on(store, sql_set_log_end, ARGS(db_int(chunk->attempt_id), db_int(end.bytes), db_int(end.truncated)),
                      "attempt", chunk->attempt_id, err))
        return false;
    chunk->offset = offset;
    return true;
}

/* $2 is one chunk's greatest length before the wanted byte: what begins at it or earlier cannot reach the byte. */
static const char sql_read_log[] =
    "SELECT attempt_id, first_byte, at_ms, stream, data FROM log_chunk"
    " WHERE attempt_id = $1 AND first_byte > $2 AND first_byte < $3 ORDER BY first_byte";

/* Drop what lies before from_offset or at end_offset and behind it. */
static void log_chunk_trim(struct log_chunk *chunk, int64_t from_offset, int64_t end_offset)
{
    if (chunk->offset + (int64_t)chunk->length > end_offset)
        chunk->length = (size_t)(end_offset - chunk->offset);
    if (chunk->offset < from_offset) {
        size_t before = (size_t)(from_offset - chunk->offset);
        chunk->length -= before;
        memmove(chunk->data, chunk->data + before, chunk->length);
        chunk->offset = from_offset;
    }
    chunk->data[chunk->length] = '\0';
}

bool store_read_log(struct store *store, int64_t attempt_id, int64_t from_offset, size_t bytes_max,
                    struct log_chunk **ret_chunks, size_t *ret_count, struct err *err)
{
    if (bytes_max > ATTEMPT_LOG_MAX)
        bytes_max = ATTEMPT_LOG_MAX;
    int64_t end_offset = from_offset + (int64_t)bytes_max;
    void *records;
    size_t count;
    if (!store_get_records(store, &log_chunk_record, sql_read_log,
                           ARGS(db_int(attempt_id), db_int(from_offset - (int64_t)LOG_CHUNK_MAX), db_int(end_offset)),
                           &records, &count, err))
        return err_wrap(err, "log of attempt %" PRId64, attempt_id);
    struct log_chunk *chunks = records;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (chunks[i].offset + (int64_t)chunks[i].length <= from_offset) {
            log_chunk_finish(&chunks[i]);
            continue;
        }
        log_chunk_trim(&chunks[i], from_offset, end_offset);
        chunks[kept++] = chunks[i];
    }
    *ret_chunks = chunks;
    *ret_count = kept;
    return true;
}

/* ---- events ------------------------------------------------------------------------------------------------------- */

static void event_read(struct db_rows *rows, struct event *event)
{
    event->service_id = db_take_int(rows);
    event->seq = db_take_int(rows);
    event->at_ms = db_take_int(rows);
    event->kind = db_take_text(rows);
    event->data = db_take_text(rows);
}

DEFINE_RECORD_KIND(event, events)

static const char sql_next_event[] = "UPDATE service SET event_seq = event_seq + 1 WHERE id = $1 RETURNING event_seq";
static const char sql_insert_event[] =
    "INSERT INTO event (service_id, seq, at_ms, kind, data) VALUES ($1, $2, $3, $4, $5)";

bool store_append_event(struct store *store, struct event *event, struct err *err)
{
    int64_t seq = 0;
    if (!store_get_int(store, sql_next_event, ARGS(db_int(event->service_id)), &seq, err))
        return err_wrap(err, "event of service %" PRId64, event->service_id);
    if (seq == 0)
        return err_set(err, ERR_NOT_FOUND, "no service %" PRId64, event->service_id);
    if (!store_run(store, sql_insert_event,
                   ARGS(db_int(event->service_id), db_int(seq), db_int(event->at_ms), db_text(event->kind),
                        db_text(event->data)),
                   NULL, err))
        return err_wrap(err, "event of service %" PRId64, event->service_id);
    event->seq = seq;
    return true;
}

static const char sql_list_events[] =
    "SELECT service_id, seq, at_ms, kind, data FROM event"
    " WHERE service_id = $1 AND seq > $2 ORDER BY seq LIMIT $3";

bool store_list_events(struct store *store, int64_t service_id, int64_t after_seq, size_t limit,
                       struct event **ret_events, size_t *ret_count, struct err *err)
{
    void *events;
    if (!store_get_records(store, &event_record, sql_list_events,
                           ARGS(db_int(service_id), db_int(after_seq), db_int((int64_t)limit)), &events, ret_count,
                           err))
        return err_wrap(err, "events of service %" PRId64, service_id);
    *ret_events = events;
    return true;
}

/* ---- facts -------------------------------------------------------------------------------------------------------- */

static void stored_fact_read(struct db_rows *rows, struct stored_fact *fact)
{
    fact->service_id = db_take_int(rows);
    fact->role = (enum role)db_take_int(rows);
    fact->node_id = db_take_int(rows);
    fact->key = db_take_text(rows);
    fact->value = db_take_text(rows);
    fact->attempt_id = db_take_int(rows);
}

DEFINE_RECORD_KIND(stored_fact, stored_facts)

static const char sql_put_fact[] =
    "INSERT INTO fact (service_id, role, node_id, key, value, attempt_id) VALUES ($1, $2, $3, $4, $5, $6)"
    " ON CONFLICT (service_id, role, node_id, key)"
    " DO UPDATE SET value = excluded.value, attempt_id = excluded.attempt_id";

bool store_put_fact(struct store *store, const struct stored_fact *fact, struct err *err)
{
    return store_run(store, sql_put_fact,
                     ARGS(db_int(fact->service_id), db_int(fact->role), db_int(fact->node_id), db_text(fact->key),
                          db_text(fact->value), db_int(fact->attempt_id)),
                     NULL, err) ||
           err_wrap(err, "put fact %s of service %" PRId64, fact->key, fact->service_id);
}

static const char sql_list_facts[] =
    "SELECT service_id, role, node_id, key, value, attempt_id FROM fact"
    " WHERE service_id = $1 ORDER BY role, node_id, key";

bool store_list_facts(struct store *store, int64_t service_id, struct stored_fact **ret_facts, size_t *ret_count,
                      struct err *err)
{
    void *facts;
    if (!store_get_records(store, &stored_fact_record, sql_list_facts, ARGS(db_int(service_id)), &facts, ret_count,
                           err))
        return err_wrap(err, "facts of service %" PRId64, service_id);
    *ret_facts = facts;
    return true;
}

/* ---- secrets ------------------------------------------------------------------------------------------------------ */

static const char sql_put_secret[] =
    "INSERT INTO secret (service_id, node_id, kind, cipher) VALUES ($1, $2, $3, $4)"
    " ON CONFLICT (service_id, node_id, kind) DO UPDATE SET cipher = excluded.cipher";

bool store_put_secret(struct store *store, int64_t service_id, int64_t node_id, const char *kind,
                      const unsigned char *cipher, size_t length, struct err *err)
{
    return store_run(store, sql_put_secret,
                     ARGS(db_int(service_id), db_int(node_id), db_text(kind), db_blob(cipher, length)), NULL, err) ||
           err_wrap(err, "put %s of service %" PRId64, kind, service_id);
}

static const char sql_remove_secret[] = "DELETE FROM secret WHERE service_id = $1 AND node_id = $2 AND kind = $3";

bool store_remove_secret(struct store *store, int64_t service_id, int64_t node_id, const char *kind, struct err *err)
{
    return store_run(store, sql_remove_secret, ARGS(db_int(service_id), db_int(node_id), db_text(kind)), NULL, err) ||
           err_wrap(err, "remove %s of service %" PRId64, kind, service_id);
}

struct secret {
    char *cipher;
    size_t length;
};

static void secret_read(struct db_rows *rows, void *record)
{
    struct secret *secret = record;
    secret->cipher = db_take_blob(rows, &secret->length);
}

static void secret_finish(void *record)
{
    struct secret *secret = record;
    free(secret->cipher);
}

static const struct record_kind secret_record = { sizeof(struct secret), secret_read, secret_finish };

static const char sql_get_secret[] = "SELECT cipher FROM secret WHERE service_id = $1 AND node_id = $2 AND kind = $3";

bool store_get_secret(struct store *store, int64_t service_id, int64_t node_id, const char *kind,
                      unsigned char **ret_cipher, size_t *ret_length, struct err *err)
{
    struct secret secret = { 0 };
    bool found;
    if (!store_get_record(store, &secret_record, sql_get_secret,
                          ARGS(db_int(service_id), db_int(node_id), db_text(kind)), &secret, &found, err))
        return err_wrap(err, "get %s of service %" PRId64, kind, service_id);
    *ret_cipher = (unsigned char *)secret.cipher;
    *ret_length = secret.length;
    return true;
}

/* ---- requests for certificates ------------------------------------------------------------------------------------ */

static const char sql_put_ssl_request[] =
    "INSERT INTO ssl_request (service_id, domain, state, next_check_ms) VALUES ($1, $2, $3, $4)"
    " ON CONFLICT (service_id) DO UPDATE"
    " SET domain = excluded.domain, state = excluded.state, next_check_ms = excluded.next_check_ms";

bool store_put_ssl_request(struct store *store, const struct ssl_request *request, struct err *err)
{
    return store_run(store, sql_put_ssl_request,
                     ARGS(db_int(request->service_id), db_text(request->domain), db_int(request->state),
                          db_int(request->next_check_ms)),
                     NULL, err) ||
           err_wrap(err, "put ssl request of service %" PRId64, request->service_id);
}

static void ssl_request_read(struct db_rows *rows, struct ssl_request *request)
{
    request->service_id = db_take_int(rows);
    request->domain = db_take_text(rows);
    request->state = (enum ssl_state)db_take_int(rows);
    request->next_check_ms = db_take_int(rows);
}

DEFINE_RECORD_KIND(ssl_request, ssl_requests)

#define SSL_REQUEST_COLUMNS "service_id, domain, state, next_check_ms"

static const char sql_get_ssl_request[] = "SELECT " SSL_REQUEST_COLUMNS " FROM ssl_request WHERE service_id = $1";

bool store_get_ssl_request(struct store *store, int64_t service_id, struct ssl_request *ret_request, bool *ret_found,
                           struct err *err)
{
    return store_get_record(store, &ssl_request_record, sql_get_ssl_request, ARGS(db_int(service_id)), ret_request,
                            ret_found, err) ||
           err_wrap(err, "ssl request of service %" PRId64, service_id);
}

/* The index holds those alone, in this order: rows of one moment by their number. */
static const char sql_list_ssl_requests[] = "SELECT " SSL_REQUEST_COLUMNS
                                            " FROM ssl_request WHERE next_check_ms > 0"
                                            " ORDER BY next_check_ms, service_id LIMIT $1";

bool store_list_ssl_requests(struct store *store, size_t limit, struct ssl_request **ret_requests, size_t *ret_count,
                             struct err *err)
{
    void *requests;
    if (!store_get_records(store, &ssl_request_record, sql_list_ssl_requests, ARGS(db_int((int64_t)limit)), &requests,
                           ret_count, err))
        return err_wrap(err, "list ssl requests");
    *ret_requests = requests;
    return true;
}
