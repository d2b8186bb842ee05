/* test_store_archive.c - finished work moves to history and leaves for good: in small steps, seen in either place, without a
 * number given out twice, and without anybody who claims a task paying for it. */
#include "fixture.h"

#include <sqlite3.h>
#include <stdlib.h>

#include "store/db.h"
#include "store/migrate.h"
#include "store/store_ticket.h"

#define MANY "200000"
#define ENDED_MS 5000

/* ---- the database itself ---------------------------------------------------------------------------------------------- */

static sqlite3 *handle; /* of the connection that was opened last */

static int remember(sqlite3 *opened, char **ret_error, const struct sqlite3_api_routines *routines)
{
    (void)ret_error;
    (void)routines;
    handle = opened;
    return SQLITE_OK;
}

static void run(const char *sql)
{
    char *error = NULL;
    if (sqlite3_exec(handle, sql, NULL, NULL, &error) != SQLITE_OK)
        fail_msg("%s: %s", sql, error);
}

static int take_number(void *context, int count, char **values, char **names)
{
    (void)names;
    assert_int_equal(count, 1);
    *(int *)context = atoi(values[0]);
    return 0;
}

static int number_of(const char *sql)
{
    int number = -1;
    if (sqlite3_exec(handle, sql, take_number, &number, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(handle));
    return number;
}

static int one_more_step(void *context)
{
    ++*(int *)context;
    return 0;
}

/* From here on each step of SQLite's machine counts: a scan cannot hide. */
static void count_steps(int *ret_steps)
{
    *ret_steps = 0;
    sqlite3_progress_handler(handle, 1, one_more_step, ret_steps);
}

static void stop_counting(void)
{
    sqlite3_progress_handler(handle, 0, NULL, NULL);
}

/* ---- finished work ---------------------------------------------------------------------------------------------------- */

struct place {
    struct fixture *f;
    int64_t service_id;
};

static struct place place_of(void **state)
{
    struct place place = { .f = *state };
    place.service_id = fixture_add_service(place.f, "example.com", "c");
    return place;
}

static void end_operation(struct place *p, int64_t operation_id, enum operation_state state, int64_t ended_at_ms)
{
    struct err err;
    struct operation operation;
    must(store_get_operation(p->f->store, operation_id, &operation, &err));
    operation.state = state;
    operation.ended_at_ms = ended_at_ms;
    must(store_update_operation(p->f->store, &operation, &err));
    operation_finish(&operation);
}

/* An operation of tasks in a row. @return its id */
static int64_t add_operation(struct place *p, size_t task_count, enum operation_state state, int64_t ended_at_ms)
{
    struct err err;
    int64_t operation_id = fixture_add_operation(p->f, p->service_id), before = 0;
    fixture_begin(p->f);
    for (size_t i = 0; i < task_count; i++) {
        int64_t id = fixture_add_task(p->f, operation_id, p->service_id, p->f->node_id, "a", TASK_DONE, 0);
        if (before != 0)
            must(store_insert_edge(p->f->store, before, id, &err));
        before = id;
    }
    end_operation(p, operation_id, state, ended_at_ms);
    fixture_commit(p->f);
    return operation_id;
}

/* An attempt at the first queued task of the node, with a log of so many chunks. */
static int64_t add_attempt(struct place *p, size_t chunk_count, bool ends)
{
    struct err err;
    struct task task;
    bool found;
    fixture_begin(p->f);
    must(store_claim_task(p->f->store, task_queue_id(p->f->node_id, TASK_LANE_MAKE), 1, 2, &task, &found, &err));
    assert_true(found);
    for (size_t i = 0; i < chunk_count; i++) {
        struct log_chunk chunk = { .attempt_id = task.attempt_id, .data = borrowed("hello\n"), .length = 6 };
        must(store_append_log(p->f->store, &chunk, &err));
    }
    if (ends) {
        struct attempt attempt = { .id = task.attempt_id,
                                   .outcome = ATTEMPT_DONE,
                                   .cause_id = borrowed(""),
                                   .detail = borrowed(""),
                                   .ended_at_ms = ENDED_MS };
        task.state = TASK_DONE;
        must(store_end_attempt(p->f->store, &attempt, &err));
        must(store_update_task(p->f->store, &task, &err));
    }
    fixture_commit(p->f);
    int64_t id = task.attempt_id;
    task_finish(&task);
    return id;
}

/* A done operation of one task with one attempt. @return its id */
static int64_t add_operation_with_log(struct place *p, size_t chunk_count, int64_t ended_at_ms, int64_t *ret_attempt_id)
{
    int64_t operation_id = fixture_add_operation(p->f, p->service_id);
    fixture_begin(p->f);
    (void)fixture_add_task(p->f, operation_id, p->service_id, p->f->node_id, "a", TASK_QUEUED, 0);
    fixture_commit(p->f);
    *ret_attempt_id = add_attempt(p, chunk_count, true);
    fixture_begin(p->f);
    end_operation(p, operation_id, OPERATION_DONE, ended_at_ms);
    fixture_commit(p->f);
    return operation_id;
}

static size_t archive(struct place *p, int64_t ended_until_ms, size_t tasks_max)
{
    struct err err;
    size_t rows;
    fixture_begin(p->f);
    must(store_archive_tasks(p->f->store, ended_until_ms, tasks_max, &rows, &err));
    fixture_commit(p->f);
    return rows;
}

static void archive_all(struct place *p)
{
    while (archive(p, INT64_MAX, 1000) > 0)
        continue;
}

static size_t remove_logs(struct place *p, int64_t ended_until_ms, int64_t now_ms, size_t rows_max)
{
    struct err err;
    size_t rows;
    fixture_begin(p->f);
    must(store_remove_logs(p->f->store, ended_until_ms, now_ms, rows_max, &rows, &err));
    fixture_commit(p->f);
    return rows;
}

/* @param ret_removed_id  0 when none has gone as a whole */
static size_t remove_operation(struct place *p, int64_t ended_until_ms, size_t rows_max, int64_t *ret_removed_id)
{
    struct err err;
    struct operation operation;
    size_t rows;
    bool removed;
    fixture_begin(p->f);
    must(store_remove_operation(p->f->store, ended_until_ms, rows_max, &rows, &operation, &removed, &err));
    fixture_commit(p->f);
    *ret_removed_id = removed ? operation.id : 0;
    if (removed)
        operation_finish(&operation);
    return rows;
}

/* ---- moving ----------------------------------------------------------------------------------------------------------- */

static void history_has_the_columns_of_the_live_tables(void **state)
{
    static const char *const tables[] = { "task", "edge" };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        char sql[400];
        (void)snprintf(
            sql, sizeof(sql),
            "SELECT (SELECT group_concat(name || type || \"notnull\" || pk) FROM pragma_table_info('%s'))"
            " = (SELECT group_concat(name || type || \"notnull\" || pk) FROM pragma_table_info('%s_history'))",
            tables[i], tables[i]);
        if (number_of(sql) != 1)
            fail_msg("%s and %s_history differ", tables[i], tables[i]);
    }
}

static void expect_tasks_as_before(struct place *p, int64_t operation_id, size_t want)
{
    struct err err;
    struct task *tasks, *found, task;
    size_t count, found_count;
    must(store_list_tasks(p->f->store, operation_id, &tasks, &count, &err));
    must(store_find_tasks(p->f->store, TASK_DONE, p->f->node_id, 0, 100, &found, &found_count, &err));
    assert_int_equal(count, want);
    assert_int_equal(found_count, want);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(tasks[i].id, tasks[0].id + (int64_t)i);
        assert_int_equal(found[count - 1 - i].id, tasks[i].id); /* newest first */
        must(store_get_task(p->f->store, tasks[i].id, &task, &err));
        assert_int_equal(task.operation_id, operation_id);
        assert_int_equal(task.state, TASK_DONE);
        assert_string_equal(task.action, "a");
        task_finish(&task);
    }
    tasks_free(tasks, count);
    tasks_free(found, found_count);
}

static void finished_tasks_move_in_small_steps_and_are_read_as_before(void **state)
{
    struct place p = place_of(state);
    int64_t id = add_operation(&p, 10, OPERATION_DONE, ENDED_MS);
    static const int live_after[] = { 7, 4, 1, 0 };
    assert_int_equal(archive(&p, ENDED_MS - 1, 3), 0); /* not yet */
    assert_int_equal(number_of("SELECT count(*) FROM task"), 10);
    for (size_t i = 0; i < ARRAY_LEN(live_after); i++) {
        assert_in_range(archive(&p, ENDED_MS, 3), 1, 4);
        assert_int_equal(number_of("SELECT count(*) FROM task"), live_after[i]);
        expect_tasks_as_before(&p, id, 10);
    }
    assert_int_equal(archive(&p, INT64_MAX, 3), 0);
    assert_int_equal(number_of("SELECT count(*) FROM edge"), 0);
    assert_int_equal(number_of("SELECT count(*) FROM edge_history"), 9);
}

static void a_move_that_is_undone_has_not_happened(void **state)
{
    struct place p = place_of(state);
    struct err err;
    size_t rows;
    int64_t id = add_operation(&p, 10, OPERATION_DONE, ENDED_MS);
    fixture_begin(p.f);
    must(store_archive_tasks(p.f->store, ENDED_MS, 4, &rows, &err));
    store_rollback(p.f->store);
    assert_int_equal(number_of("SELECT count(*) FROM task"), 10);
    assert_int_equal(number_of("SELECT count(*) FROM edge"), 9);
    expect_tasks_as_before(&p, id, 10);
    archive_all(&p);
    expect_tasks_as_before(&p, id, 10);
}

static void only_what_has_ended_moves(void **state)
{
    static const struct {
        enum operation_state state;
        bool moves;
    } cases[] = {
        { OPERATION_RUNNING, false },  { OPERATION_DONE, true },       { OPERATION_FAILED, false },
        { OPERATION_CANCELLED, true }, { OPERATION_SUPERSEDED, true },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct place p = { .f = *state };
        char domain[32], sql[80];
        (void)snprintf(domain, sizeof(domain), "case%zu.example", i);
        p.service_id = fixture_add_service(p.f, domain, "c");
        int64_t id = add_operation(&p, 2, cases[i].state, ENDED_MS);
        archive_all(&p);
        (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM task WHERE operation_id = %d", (int)id);
        if (number_of(sql) != (cases[i].moves ? 0 : 2))
            fail_msg("%s: %d live tasks", operation_state_name(cases[i].state), number_of(sql));
    }
}

static void an_attempt_on_its_way_keeps_its_operation_live_and_nobody_else(void **state)
{
    struct place p = place_of(state);
    struct err err;
    int64_t busy = fixture_add_operation(p.f, p.service_id);
    fixture_begin(p.f);
    (void)fixture_add_task(p.f, busy, p.service_id, p.f->node_id, "a", TASK_QUEUED, 0);
    fixture_commit(p.f);
    int64_t attempt_id = add_attempt(&p, 1, false);
    fixture_begin(p.f);
    end_operation(&p, busy, OPERATION_SUPERSEDED, ENDED_MS);
    fixture_commit(p.f);
    (void)add_operation(&p, 3, OPERATION_DONE, ENDED_MS + 1);
    archive_all(&p);
    assert_int_equal(number_of("SELECT count(*) FROM task"), 1);
    struct attempt end = {
        .id = attempt_id, .outcome = ATTEMPT_SUPERSEDED, .cause_id = borrowed(""), .detail = borrowed("")
    };
    fixture_begin(p.f);
    must(store_end_attempt(p.f->store, &end, &err));
    fixture_commit(p.f);
    archive_all(&p);
    assert_int_equal(number_of("SELECT count(*) FROM task"), 0);
}

static void no_number_is_given_out_twice(void **state)
{
    struct place p = place_of(state);
    int64_t removed_id, first = add_operation(&p, 5, OPERATION_DONE, ENDED_MS);
    int highest = number_of("SELECT max(id) FROM task");
    archive_all(&p);
    (void)add_operation(&p, 5, OPERATION_DONE, ENDED_MS);
    assert_int_equal(number_of("SELECT min(id) FROM task"), highest + 1);
    archive_all(&p);
    assert_true(remove_operation(&p, INT64_MAX, 1000, &removed_id) > 0);
    assert_int_equal(removed_id, first);
    run("UPDATE service SET status = 6");
    run("UPDATE operation SET former = 1");
    assert_int_equal(remove_operation(&p, INT64_MAX, 1000, &removed_id),
                     0); /* the newest of all stays for its number */
    (void)add_operation(&p, 1, OPERATION_RUNNING, 0);
    assert_int_equal(number_of("SELECT min(id) FROM task"), highest + 6);
}

/* ---- logs ------------------------------------------------------------------------------------------------------------- */

static int64_t log_removed_at(struct place *p, int64_t attempt_id)
{
    struct err err;
    struct attempt attempt;
    must(store_get_attempt(p->f->store, attempt_id, &attempt, &err));
    int64_t removed_at_ms = attempt.log_removed_at_ms;
    assert_true(attempt.outcome == ATTEMPT_DONE || attempt.log_bytes == 0);
    attempt_finish(&attempt);
    return removed_at_ms;
}

static void old_logs_go_in_small_steps_and_their_attempts_say_so(void **state)
{
    struct place p = place_of(state);
    int64_t old, young, silent;
    (void)add_operation_with_log(&p, 10, ENDED_MS, &old);
    (void)add_operation_with_log(&p, 0, ENDED_MS, &silent);
    (void)add_operation_with_log(&p, 5, ENDED_MS + 1, &young);
    assert_int_equal(remove_logs(&p, INT64_MAX, 9000, 32), 0); /* live tasks keep theirs */
    archive_all(&p);
    assert_int_equal(log_removed_at(&p, old), 0);
    static const int left[] = { 11, 7, 5, 5 }; /* four chunks are 32 rows */
    for (size_t i = 0; i < ARRAY_LEN(left); i++) {
        assert_in_range(remove_logs(&p, ENDED_MS, 9000 + (int64_t)i, 32), 1, 33);
        assert_int_equal(number_of("SELECT count(*) FROM log_chunk"), left[i]);
        assert_int_equal(log_removed_at(&p, old), 9000); /* from the first step on */
    }
    assert_int_equal(remove_logs(&p, ENDED_MS, 9009, 32), 0);
    assert_int_equal(log_removed_at(&p, young), 0);
    assert_int_equal(log_removed_at(&p, silent), 0); /* it never had one */
    assert_int_equal(number_of("SELECT count(*) FROM attempt"), 3);
}

/* ---- operations ------------------------------------------------------------------------------------------------------- */

static void add_event(struct place *p, int64_t at_ms)
{
    struct err err;
    struct event event = {
        .service_id = p->service_id, .at_ms = at_ms, .kind = borrowed("task.done"), .data = borrowed("{}")
    };
    fixture_begin(p->f);
    must(store_append_event(p->f->store, &event, &err));
    fixture_commit(p->f);
}

#define ALL_ROWS                                                                                                       \
    "SELECT (SELECT count(*) FROM operation) + (SELECT count(*) FROM task_history) + (SELECT count(*) FROM attempt)"   \
    " + (SELECT count(*) FROM edge_history) + (SELECT count(*) FROM log_chunk) + (SELECT count(*) FROM event)"         \
    " + (SELECT count(*) FROM ticket) + (SELECT count(*) FROM outbox)"

static void an_old_operation_goes_in_small_steps_with_all_that_is_its_own(void **state)
{
    struct place p = place_of(state);
    struct err err;
    int64_t attempt_id, removed_id = 0;
    int64_t old = add_operation_with_log(&p, 6, ENDED_MS, &attempt_id);
    (void)add_operation(&p, 20, OPERATION_DONE, ENDED_MS + 10);
    for (int64_t at_ms = ENDED_MS - 8; at_ms < ENDED_MS + 4; at_ms++)
        add_event(&p, at_ms);
    archive_all(&p);
    assert_int_equal(remove_operation(&p, ENDED_MS - 1, 5, &removed_id), 0);
    int rows = number_of(ALL_ROWS), before = rows;
    while (removed_id == 0) {
        assert_in_range(remove_operation(&p, ENDED_MS, 5, &removed_id), 1, 5);
        int now = number_of(ALL_ROWS);
        assert_in_range(rows - now, 1, 5);
        rows = now;
    }
    assert_int_equal(removed_id, old);
    assert_int_equal(before - rows, 6 + 1 + 1 + 9 + 1); /* chunks, attempt, task, events, itself */
    assert_int_equal(remove_operation(&p, INT64_MAX, 5, &removed_id), 0);
    struct operation *operations;
    struct event *events;
    size_t count;
    must(store_list_operations(p.f->store, p.service_id, &operations, &count, &err));
    assert_int_equal(count, 1);
    operations_free(operations, count);
    must(store_list_events(p.f->store, p.service_id, 0, 100, &events, &count, &err));
    assert_int_equal(count, 3);
    assert_int_equal(events[0].at_ms, ENDED_MS + 1);
    assert_int_equal(events[0].seq, 10);
    events_free(events, count);
    assert_int_equal(number_of("SELECT count(*) FROM pragma_foreign_key_check"), 0);
}

static void the_latest_operation_of_a_service_stays_until_it_is_terminated(void **state)
{
    struct place p = place_of(state);
    int64_t removed_id, latest = add_operation(&p, 2, OPERATION_DONE, ENDED_MS);
    char sql[80];
    (void)snprintf(sql, sizeof(sql), "UPDATE service SET operation_id = %d", (int)latest);
    run(sql);
    archive_all(&p);
    struct place other = { .f = p.f, .service_id = fixture_add_service(p.f, "other.example", "c") };
    (void)add_operation(&other, 1, OPERATION_RUNNING, 0);
    assert_int_equal(remove_operation(&p, INT64_MAX, 100, &removed_id), 0);

    int64_t last = add_operation(&p, 2, OPERATION_DONE, ENDED_MS + 1);
    (void)snprintf(sql, sizeof(sql), "UPDATE service SET status = 6, operation_id = %d WHERE id = %d", (int)last,
                   (int)p.service_id);
    run(sql);
    (void)add_operation(&other, 1, OPERATION_RUNNING, 0);
    archive_all(&p);
    (void)remove_operation(&p, INT64_MAX, 100, &removed_id);
    assert_int_equal(removed_id, latest);
    (void)remove_operation(&p, INT64_MAX, 100, &removed_id);
    assert_int_equal(removed_id, last);
    assert_int_equal(number_of("SELECT sum(operation_id) FROM service"), 0);
    assert_int_equal(remove_operation(&p, INT64_MAX, 100, &removed_id), 0);
}

static void a_ticket_keeps_its_operation_until_it_is_closed_and_everything_sent(void **state)
{
    struct place p = place_of(state);
    struct err err;
    int64_t removed_id, old = add_operation(&p, 2, OPERATION_SUPERSEDED, ENDED_MS);
    (void)add_operation(&p, 1, OPERATION_DONE, ENDED_MS);
    struct ticket ticket = { .service_id = p.service_id,
                             .operation_id = old,
                             .channel = TICKET_CHANNEL_MAIL,
                             .state = TICKET_OPEN,
                             .marker = borrowed("m"),
                             .thread_key = borrowed("t"),
                             .remote_id = borrowed(""),
                             .remote_number = borrowed("") };
    fixture_begin(p.f);
    must(store_insert_ticket(p.f->store, &ticket, &err));
    struct ticket_message message = {
        .ticket_id = ticket.id, .key = borrowed("k"), .body = borrowed("{}"), .last_error = borrowed("")
    };
    must(store_insert_ticket_message(p.f->store, &message, &err));
    fixture_commit(p.f);
    archive_all(&p);
    assert_int_equal(remove_operation(&p, INT64_MAX, 100, &removed_id), 0);
    run("UPDATE ticket SET state = 1");
    assert_int_equal(remove_operation(&p, INT64_MAX, 100, &removed_id), 0);
    run("UPDATE outbox SET state = 2");
    assert_true(remove_operation(&p, INT64_MAX, 100, &removed_id) > 0);
    assert_int_equal(removed_id, old);
    assert_int_equal(number_of("SELECT (SELECT count(*) FROM ticket) + (SELECT count(*) FROM outbox)"), 0);
}

/* ---- much of it ------------------------------------------------------------------------------------------------------- */

static void add_queued_tasks(struct place *p, size_t count)
{
    int64_t operation_id = fixture_add_operation(p->f, p->service_id);
    fixture_begin(p->f);
    for (size_t i = 0; i < count; i++)
        (void)fixture_add_task(p->f, operation_id, p->service_id, p->f->node_id, "a", TASK_QUEUED, 0);
    fixture_commit(p->f);
}

/* A claim, a look for what is due, and a page of a list. */
static void count_all(struct place *p, int *ret_claim, int *ret_look, int *ret_list)
{
    struct err err;
    struct task task, *tasks;
    bool found;
    size_t rows, count;
    fixture_begin(p->f);
    count_steps(ret_claim);
    must(store_claim_task(p->f->store, task_queue_id(p->f->node_id, TASK_LANE_MAKE), 1, 2, &task, &found, &err));
    stop_counting();
    assert_true(found);
    task_finish(&task);
    count_steps(ret_look);
    must(store_archive_tasks(p->f->store, ENDED_MS, 100, &rows, &err));
    assert_int_equal(rows, 0);
    must(store_remove_logs(p->f->store, ENDED_MS, 1, 100, &rows, &err));
    assert_int_equal(rows, 0);
    struct operation operation;
    must(store_remove_operation(p->f->store, ENDED_MS, 100, &rows, &operation, &found, &err));
    stop_counting();
    assert_int_equal(rows, 0);
    fixture_commit(p->f);
    count_steps(ret_list);
    must(store_find_tasks(p->f->store, (enum task_state)TASK_STATE_COUNT, 0, 0, 3, &tasks, &count, &err));
    stop_counting();
    assert_int_equal(count, 3);
    tasks_free(tasks, count);
}

/* A thousand operations of each kind that is not due, with all the tasks that have been done. */
static void fill(const char *table)
{
    char sql[1600];
    run("INSERT INTO operation (service_id, kind, state, weight_total, weight_done, tasks_total, tasks_done,"
        " created_at_ms, ended_at_ms, pipeline, pipeline_hash, archived, former, has_logs)"
        " WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)"
        " SELECT 1, 0, 1, 1, 1, 1, 1, 1, CASE i % 4 WHEN 3 THEN 1 ELSE 9000000 END, '', '', i % 4 > 0, i % 4 = 2,"
        " i % 4 < 3 FROM n");
    (void)snprintf(
        sql, sizeof(sql),
        "INSERT INTO %s (id, operation_id, service_id, node_id, queue, state, needs_left, due_at_ms, attempt_id,"
        " attempts, lease_until_ms, suspect, role, lane, weight, deadline_ms, created_at_ms, started_at_ms,"
        " ended_at_ms, key, action, label_key, cause_id, reason, inputs_hash)"
        " WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " MANY
        ")"
        " SELECT 100 + i, 1 + i %% 4000, 1, 1, %d, 5, 0, 0, 0, 1, 0, 0, 1, 0, 1, 1, 1, 1, 1, 'key', 'a', 'l',"
        " '', '', '' FROM n",
        table, (int)task_queue_id(1, TASK_LANE_MAKE));
    run(sql);
}

static void nobody_pays_for_what_has_been_done(void **state)
{
    static const char *const tables[] = { "task_history", "task" }; /* also before it has moved */
    struct place p = place_of(state);
    int claim_before, look_before, list_before, claim, look, list;
    if (!fixture_in_memory) /* as many steps on a file, only slower */
        return;
    add_queued_tasks(&p, 10);
    count_all(&p, &claim_before, &look_before, &list_before);
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        run("DELETE FROM task_history; DELETE FROM operation WHERE id > 1");
        fill(tables[i]);
        count_all(&p, &claim, &look, &list);
        print_message("%s: a claim is %d steps, before %d; a look %d (%d); a page %d (%d)\n", tables[i], claim,
                      claim_before, look, look_before, list, list_before);
        assert_int_equal(claim, claim_before);
        assert_in_range(look, 1, look_before + 60); /* it compares the first of each with the moment */
        assert_in_range(list, 1, 2 * list_before + 100);
    }
}

/* ---- from before ------------------------------------------------------------------------------------------------------ */

static const char before_history[] =
    "INSERT INTO node_group VALUES (1, 'g', 'g'); INSERT INTO product VALUES (1, 'p', 'p', 0, 1, '{}', 1);"
    "INSERT INTO service VALUES (1, 3, 1, 1, 0, 1, 1, 1, 1, '', '', 'a.example', 'example.a.', 'c', '', '', '{}', '', "
    "'');"
    "INSERT INTO operation VALUES (1, 1, 0, 1, 1, 1, 2, 2, 1, 5000, 'split', 'h');"
    "INSERT INTO task VALUES (1, 1, 1, 0, 0, 5, 0, 0, 7, 1, 0, 0, 0, 0, 1, 1, 1, 1, 1, 'k', 'a', 'l', '', '', '');"
    "INSERT INTO task VALUES (2, 1, 1, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 1, 1, 1, 'k', 'a', 'l', '', '', '');"
    "INSERT INTO edge VALUES (1, 2, 1); INSERT INTO attempt VALUES (7, 1, 0, 1, 1, 1, 1, 3, 0, '', '');"
    "INSERT INTO log_chunk VALUES (1, 7, 0, 1, 0, CAST('abc' AS BLOB));";

static void a_database_from_before_keeps_everything_and_its_work_moves(void **state)
{
    struct fixture *f = *state;
    struct err err;
    struct db *db;
    char url[140];
    (void)snprintf(url, sizeof(url), "sqlite://%s/old.db", f->dir);
    must(db_open(url, true, &db, &err));
    must(migrate(db, migrations_sqlite, 3, &err));
    must(db->ops->script(db, before_history, &err));
    db->ops->close(db);
    struct fixture old = { .dir = "", .node_id = 1 };
    must(store_open(url, &old.store, &err));
    struct place p = { .f = &old, .service_id = 1 };
    for (int moved = 0; moved < 2; moved++) {
        struct log_chunk *chunks;
        struct attempt *attempts;
        size_t count;
        must(store_list_attempts(old.store, 1, &attempts, &count, &err));
        assert_int_equal(count, 1);
        attempts_free(attempts, count);
        must(store_read_log(old.store, 7, 0, 100, &chunks, &count, &err));
        assert_int_equal(count, 1);
        assert_string_equal(chunks[0].data, "abc");
        log_chunks_free(chunks, count);
        assert_int_equal(number_of("SELECT count(*) FROM task"), moved ? 0 : 2);
        assert_int_equal(number_of("SELECT count(*) FROM edge"), moved ? 0 : 1);
        assert_int_equal(number_of("SELECT count(*) FROM pragma_foreign_key_check"), 0);
        archive_all(&p);
    }
    store_close(old.store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(history_has_the_columns_of_the_live_tables),
        FIXTURE_TEST(finished_tasks_move_in_small_steps_and_are_read_as_before),
        FIXTURE_TEST(a_move_that_is_undone_has_not_happened),
        FIXTURE_TEST(only_what_has_ended_moves),
        FIXTURE_TEST(an_attempt_on_its_way_keeps_its_operation_live_and_nobody_else),
        FIXTURE_TEST(no_number_is_given_out_twice),
        FIXTURE_TEST(old_logs_go_in_small_steps_and_their_attempts_say_so),
        FIXTURE_TEST(an_old_operation_goes_in_small_steps_with_all_that_is_its_own),
        FIXTURE_TEST(the_latest_operation_of_a_service_stays_until_it_is_terminated),
        FIXTURE_TEST(a_ticket_keeps_its_operation_until_it_is_closed_and_everything_sent),
        FIXTURE_TEST(nobody_pays_for_what_has_been_done),
        FIXTURE_TEST(a_database_from_before_keeps_everything_and_its_work_moves),
    };
    union {
        int (*in)(sqlite3 *, char **, const struct sqlite3_api_routines *);
        void (*out)(void);
    } cast = { .in = remember };
    (void)sqlite3_auto_extension(cast.out);
    return fixture_run(tests);
}
