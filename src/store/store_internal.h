/* store_internal.h - what the files store_*.c share: the store itself, and running one statement in one line. */
#ifndef BERTH_STORE_INTERNAL_H
#define BERTH_STORE_INTERNAL_H

#include "db.h"
#include "store.h"

struct store {
    struct db *db;
    bool writer;
    bool in_transaction;
    bool in_savepoint;
    int64_t epoch; /* 0: not owned */
    int owner_fd;  /* holds the lock of our epoch; -1 when there is none */
    void *attached;
    void (*free_attached)(void *attached);
};

/* States as text inside statements: a partial index is used only where the statement says the same literal. */
#define SQL_SERVICE_ACCEPTED "0"
#define SQL_SERVICE_WAITING "1"
#define SQL_SERVICE_DEPLOYING "2"
#define SQL_SERVICE_FAILED "4"
#define SQL_SERVICE_SUSPENDED "5"
#define SQL_SERVICE_TERMINATED "6"
#define SQL_SERVICE_UNSETTLED "status IN (0, 1, 2, 4, 5)"
#define SQL_TASK_BLOCKED "0"
#define SQL_TASK_QUEUED "1"
#define SQL_TASK_RUNNING "2"
#define SQL_TASK_WAITING "3"
#define SQL_TASK_HELD "4"
#define SQL_TASK_FAILED "6"
#define SQL_ATTEMPT_RUNNING "0"
#define SQL_ATTEMPT_WAITED "7"
_Static_assert(SERVICE_ACCEPTED == 0 && SERVICE_TERMINATED == 6 && SERVICE_LIVE == 3 && SERVICE_STATUS_COUNT == 7,
               "indexes on service");
_Static_assert(TASK_BLOCKED == 0 && TASK_QUEUED == 1 && TASK_RUNNING == 2 && TASK_WAITING == 3 && TASK_HELD == 4 &&
                   TASK_FAILED == 6,
               "indexes on task");
_Static_assert(ATTEMPT_RUNNING == 0, "store_end_attempt");

/* A kind of record that rows are read into. */
struct record_kind {
    size_t size;
    void (*read)(struct db_rows *rows, void *record); /* takes the columns in the order of the kind's column list */
    void (*finish)(void *record);
};

/* Defines <plural>_free() of store.h and, for lists, the kind, from <name>_read() and <name>_finish(). */
#define DEFINE_RECORD_KIND(name, plural)                                                                               \
    static void name##_read_any(struct db_rows *rows, void *record)                                                    \
    {                                                                                                                  \
        name##_read(rows, record);                                                                                     \
    }                                                                                                                  \
    static void name##_finish_any(void *record)                                                                        \
    {                                                                                                                  \
        name##_finish(record);                                                                                         \
    }                                                                                                                  \
    const struct record_kind name##_record = { sizeof(struct name), name##_read_any, name##_finish_any };              \
    void plural##_free(struct name *records, size_t count)                                                             \
    {                                                                                                                  \
        for (size_t i = 0; records != NULL && i < count; i++)                                                          \
            name##_finish(&records[i]);                                                                                \
        free(records);                                                                                                 \
    }

extern const struct record_kind group_record, node_record, product_record, service_record, account_record;
extern const struct record_kind operation_record, task_record, attempt_record, event_record, log_chunk_record;
extern const struct record_kind ssl_request_record, stored_fact_record, stored_setting_record, setting_change_record;

/* What the readers of these three kinds expect, in this order. */
#define SERVICE_COLUMNS                                                                                                \
    "id, status, product_id, operation_id, event_seq, generation, created_at_ms, updated_at_ms, live_at_ms,"           \
    " external_id, idempotency_key, domain, client_id, client_name, client_email, options, reason, reason_key"
#define OPERATION_COLUMNS                                                                                              \
    "id, service_id, kind, state, weight_total, weight_done, tasks_total, tasks_done, created_at_ms, ended_at_ms,"     \
    " pipeline, pipeline_hash"
#define TASK_COLUMNS                                                                                                   \
    "id, operation_id, service_id, node_id, state, needs_left, due_at_ms, attempt_id, attempts, lease_until_ms,"       \
    " suspect, role, lane, weight, deadline_ms, created_at_ms, started_at_ms, ended_at_ms, key, action, label_key, "   \
    "cause_id,"                                                                                                        \
    " reason, inputs_hash"

/** 'www.example.com' is 'com.example.www.': parents are its beginnings, children one range. The caller's to free. */
char *service_domain_key(const char *domain);

/* ---- one statement each ------------------------------------------------------------------------------------------- */

/** A change. @param ret_changed rows written; NULL is allowed */
MUST_CHECK bool store_run(struct store *store, const char *sql, const struct db_arg *args, size_t arg_count,
                          int64_t *ret_changed, struct err *err);
/** A change of exactly one row; ERR_NOT_FOUND "no <what> <id>" when there is none. */
MUST_CHECK bool store_run_on(struct store *store, const char *sql, const struct db_arg *args, size_t arg_count,
                             const char *what, int64_t id, struct err *err);
/** First column of the first row; *ret_value stays when there is no row. */
MUST_CHECK bool store_get_int(struct store *store, const char *sql, const struct db_arg *args, size_t arg_count,
                              int64_t *ret_value, struct err *err);
MUST_CHECK bool store_get_ints(struct store *store, const char *sql, const struct db_arg *args, size_t arg_count,
                               int64_t **ret_values, size_t *ret_count, struct err *err);
/** The first row; *ret_record stays when there is none. */
MUST_CHECK bool store_get_record(struct store *store, const struct record_kind *kind, const char *sql,
                                 const struct db_arg *args, size_t arg_count, void *ret_record, bool *ret_found,
                                 struct err *err);
/** All rows, as an array of records. */
MUST_CHECK bool store_get_records(struct store *store, const struct record_kind *kind, const char *sql,
                                  const struct db_arg *args, size_t arg_count, void **ret_records, size_t *ret_count,
                                  struct err *err);

#endif
