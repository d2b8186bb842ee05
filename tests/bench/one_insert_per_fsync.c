/* one_insert_per_fsync.c - what orders cost the obvious way: N threads take turns on one SQLite connection (WAL,
 * synchronous=FULL), each order one INSERT in a transaction of its own. Prints one JSON object: orders/s, p50 and p99 of one
 * insert as its thread sees it (with the wait for its turn), and of the commit alone.
 *
 * With SAMPLES, each commit's milliseconds are written to that file, one a line.
 *
 * usage: one_insert_per_fsync FILE THREADS SECONDS [SAMPLES] */
#include <inttypes.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/util.h"

#define SAMPLES_MAX 1000000U

/* Turns in the order of asking, handed from one thread to the next: a plain mutex lets one thread take many turns in a row and
 * starves the rest, and waking everybody to see whose turn it is would cost more than the inserts. */
#define THREADS_MAX 1024
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turned[THREADS_MAX];
static uint64_t next_ticket, now_serving;

static sqlite3 *db;
static sqlite3_stmt *insert;
static double *seen_ms, *commit_ms;
static size_t sample_count;
static int64_t end_us;

static void insert_one(int thread, int64_t number)
{
    char domain[100];
    snprintf(domain, sizeof(domain), "base-%d-%" PRId64 ".example", thread, number);
    sqlite3_bind_text(insert, 1, domain, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(insert, 2,
                      "{\"product\":\"start\",\"client\":{\"name\":\"Ada Lovelace\",\"email\":\"ada@example.org\"}}",
                      -1, SQLITE_STATIC);
    if (sqlite3_step(insert) != SQLITE_DONE) {
        fprintf(stderr, "one_insert_per_fsync: %s\n", sqlite3_errmsg(db));
        exit(1);
    }
    sqlite3_reset(insert);
}

static void *work(void *argument)
{
    int thread = (int)(intptr_t)argument;
    for (int64_t number = 0; clock_measure_us() < end_us; number++) {
        int64_t asked_us = clock_measure_us();
        pthread_mutex_lock(&lock);
        uint64_t ticket = next_ticket++;
        while (ticket != now_serving)
            pthread_cond_wait(&turned[ticket % THREADS_MAX], &lock);
        pthread_mutex_unlock(&lock);
        int64_t begin_us = clock_measure_us();
        insert_one(thread, number);
        int64_t done_us = clock_measure_us();
        if (sample_count < SAMPLES_MAX) { /* only who has the turn gets here */
            seen_ms[sample_count] = (double)(done_us - asked_us) / 1000.0;
            commit_ms[sample_count++] = (double)(done_us - begin_us) / 1000.0;
        }
        pthread_mutex_lock(&lock);
        now_serving++;
        pthread_cond_signal(
            &turned[now_serving % THREADS_MAX]); /* at most one waits there: tickets are fewer than slots */
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void open_database(const char *path)
{
    unlink(path);
    if (sqlite3_open(path, &db) != SQLITE_OK ||
        sqlite3_exec(
            db,
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, domain TEXT NOT NULL UNIQUE, body TEXT NOT NULL) STRICT",
            NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db, "INSERT INTO orders (domain, body) VALUES (?1, ?2)", -1, &insert, NULL) != SQLITE_OK) {
        fprintf(stderr, "one_insert_per_fsync: %s: %s\n", path, sqlite3_errmsg(db));
        exit(1);
    }
}

static void write_samples(const char *path)
{
    FILE *file = fopen(path, "we");
    bool ok = file != NULL;
    for (size_t i = 0; ok && i < sample_count; i++)
        ok = fprintf(file, "%.4f\n", commit_ms[i]) > 0;
    if (!ok || fclose(file) != 0) {
        perror(path);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    if (argc < 4 || argc > 5 || atoi(argv[2]) < 1 || atoi(argv[2]) >= THREADS_MAX) {
        fprintf(stderr, "usage: one_insert_per_fsync FILE THREADS SECONDS [SAMPLES]\n");
        return 2;
    }
    int count = atoi(argv[2]);
    pthread_t *threads = xcalloc((size_t)count, sizeof(*threads));
    seen_ms = xcalloc(SAMPLES_MAX, sizeof(double));
    commit_ms = xcalloc(SAMPLES_MAX, sizeof(double));
    for (size_t i = 0; i < THREADS_MAX; i++)
        pthread_cond_init(&turned[i], NULL);
    open_database(argv[1]);
    int64_t begin_us = clock_measure_us();
    end_us = begin_us + (int64_t)(atof(argv[3]) * 1e6);
    for (int i = 0; i < count; i++)
        pthread_create(&threads[i], NULL, work, (void *)(intptr_t)i);
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    double seconds = (double)(clock_measure_us() - begin_us) / 1e6;
    size_t total = sample_count;
    qsort(seen_ms, total, sizeof(double), compare);
    qsort(commit_ms, total, sizeof(double), compare);
    printf("{\"per_second\":%.1f,\"p50_ms\":%.4f,\"p99_ms\":%.4f,\"commit_p50_ms\":%.4f,\"commit_p99_ms\":%.4f}\n",
           (double)total / seconds, seen_ms[total / 2], seen_ms[total * 99 / 100], commit_ms[total / 2],
           commit_ms[total * 99 / 100]);
    if (argc == 5)
        write_samples(argv[4]);
    sqlite3_finalize(insert);
    sqlite3_close(db);
    free(threads);
    free(seen_ms);
    free(commit_ms);
    return 0;
}
