/* probe.c - the pool of threads that looks: see probe.h for what may be asked.
 *
 * A job is a command under way. It waits in one list, ordered by when it is due (a `pause` puts it there again, so that
 * it holds no thread), a thread takes it and carries out its segments, and its events wait in another list for poll().
 * Whoever breaks a job off writes to its eventfd, which everything that a look waits with listens to. */
#include "transport/probe.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/redact.h"
#include "base/util.h"
#include "transport/probe_look.h"

#define THREADS_DEFAULT 8
#define STACK_SIZE (1024 * 1024) /* libcurl with OpenSSL, and room for sanitizers */

struct job {
    struct job *next;
    struct command *command;
    struct segment_result *results;
    size_t at;        /* the segment that is next */
    int64_t began_ms; /* CLOCK_BOOTTIME, as are the others */
    int64_t due_ms, end_ms;
    int cancel_fd;
    bool started;
    _Atomic bool abandoned; /* set with the mutex held; a thread looks at it between two segments */
};

struct queued_event {
    struct queued_event *next;
    struct transport_event event;
};

struct transport_probe {
    struct transport base;
    struct transport_wake wake;
    pthread_mutex_t mutex; /* for everything below */
    pthread_cond_t work;
    struct job *waiting; /* by due_ms */
    struct job *running;
    struct queued_event *first_event, **last_event;
    bool stopping;
    pthread_t *threads;
    unsigned thread_count;
};

static const struct transport_ops probe_ops;

static struct transport_probe *probe_from(struct transport *base)
{
    assert(base->ops == &probe_ops);
    return CONTAINER_OF(base, struct transport_probe, base);
}

static int64_t now_ms(void)
{
    return clock_real()->boot_ms(clock_real());
}

/* ---- jobs ---------------------------------------------------------------------------------------------------------
 */

static struct job *job_create(struct command *command)
{
    struct job *job = xcalloc(1, sizeof(*job));
    job->command = command;
    job->results = xcalloc(command->segment_count + 1, sizeof(*job->results));
    job->began_ms = job->due_ms = now_ms();
    job->end_ms = job->began_ms + command->deadline_ms;
    job->cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return job;
}

static void job_destroy(struct job *job)
{
    struct command_result rest = { .segments = job->results, .segment_count = job->command->segment_count };
    command_result_finish(&rest);
    command_destroy(job->command);
    if (job->cancel_fd >= 0)
        close(job->cancel_fd);
    free(job);
}

static void jobs_destroy(struct job *jobs)
{
    while (jobs != NULL) {
        struct job *job = jobs;
        jobs = job->next;
        job_destroy(job);
    }
}

/* With the mutex held. */
static void job_wait(struct transport_probe *probe, struct job *job)
{
    struct job **link = &probe->waiting;
    while (*link != NULL && (*link)->due_ms <= job->due_ms)
        link = &(*link)->next;
    job->next = *link;
    *link = job;
    pthread_cond_signal(&probe->work);
}

static bool list_remove(struct job **list, const struct job *job)
{
    for (struct job **link = list; *link != NULL; link = &(*link)->next) {
        if (*link == job) {
            *link = job->next;
            return true;
        }
    }
    return false;
}

static struct job *list_find(struct job *list, uint64_t id)
{
    while (list != NULL && list->command->id != id)
        list = list->next;
    return list;
}

/* ---- events -------------------------------------------------------------------------------------------------------
 */

/* Hand an event to poll(), unless nobody wants to hear of the job any more. */
static void job_tell(struct transport_probe *probe, struct job *job, struct transport_event event)
{
    struct queued_event *queued = xcalloc(1, sizeof(*queued));
    queued->event = event;
    queued->event.command_id = job->command->id;
    queued->event.node_id = job->command->node_id;
    queued->event.at_ms = clock_real()->now_ms(clock_real());
    pthread_mutex_lock(&probe->mutex);
    bool wanted = !job->abandoned && !probe->stopping;
    if (wanted) {
        *probe->last_event = queued;
        probe->last_event = &queued->next;
    }
    pthread_mutex_unlock(&probe->mutex);
    if (!wanted) {
        transport_event_finish(&queued->event);
        free(queued);
    } else if (probe->wake.wake != NULL) {
        probe->wake.wake(probe->wake.context);
    }
}

static void job_tell_result(struct transport_probe *probe, struct job *job, struct command_result result)
{
    struct transport_event event = { .kind = TRANSPORT_RESULT, .result_count = 1 };
    event.results = xcalloc(1, sizeof(*event.results));
    result.number = job->command->number;
    result.segments = job->results;
    result.segment_count = job->command->segment_count;
    job->results = xcalloc(result.segment_count + 1, sizeof(*job->results)); /* the event owns the old ones */
    event.results[0] = result;
    job_tell(probe, job, event);
}

/* ---- looking ------------------------------------------------------------------------------------------------------
 */

static enum probe_exit carry_out(struct probe_look *look, const struct probe_request *request)
{
    switch (request->verb) {
    case PROBE_PAUSE: break; /* done by waiting in the list */
    case PROBE_HTTP: return probe_look_http(look, request);
    case PROBE_DNS:
    case PROBE_RESOLVE: return probe_look_dns(look, request);
    case PROBE_IMAP: return probe_look_imap(look, request);
    case PROBE_IMAP_GREETING: return probe_look_greeting(look, request);
    case PROBE_TCP: return probe_look_tcp(look, request);
    }
    return PROBE_ANSWERED;
}

/* The text of a buffer as a result holds it: no NULs, limited, no secret. */
static char *take_text(struct buf *text, bool *ret_truncated)
{
    if (text->length > RESULT_OUTPUT_MAX) {
        text->length = RESULT_OUTPUT_MAX;
        text->data[RESULT_OUTPUT_MAX] = '\0';
        *ret_truncated = true;
    }
    for (size_t i = 0; i < text->length; i++) {
        if (text->data[i] == '\0')
            text->data[i] = ' ';
    }
    if (text->length > 0)
        redact_bytes(text->data, text->length);
    return buf_steal(text);
}

static void look_at(struct job *job, const struct probe_request *request, struct segment_result *ret_result)
{
    int64_t began_ms = now_ms();
    int64_t left_ms = job->end_ms - began_ms;
    struct probe_look look = { .began_ms = began_ms, .cancel_fd = job->cancel_fd };
    look.end_ms = began_ms + (request->timeout_ms < left_ms ? request->timeout_ms : left_ms);
    enum probe_exit verdict = PROBE_SILENT;
    if (left_ms > 0 || request->verb == PROBE_PAUSE)
        verdict = carry_out(&look, request);
    else
        buf_add_text(&look.err, "the time for the whole look was over before this part of it began\n");
    ret_result->exit_code = (int)verdict;
    ret_result->out = take_text(&look.out, &ret_result->truncated);
    ret_result->err = take_text(&look.err, &ret_result->truncated);
}

static bool may_go_on(const struct segment *segment, int exit_code)
{
    for (unsigned i = 0; i < segment->go_on_count; i++) {
        if (segment->go_on[i] == exit_code || segment->go_on[i] == SEGMENT_GO_ON_ANY)
            return true;
    }
    return false;
}

/* Carry out segments until the job has ended. @return false when it pauses first: it is due again later */
static bool job_run(struct job *job)
{
    const struct command *command = job->command;
    while (job->at < command->segment_count && !job->abandoned) {
        const struct segment *segment = &command->segments[job->at];
        struct segment_result *result = &job->results[job->at];
        struct probe_request request;
        struct err err = { 0 };
        bool paused = result->ran; /* the second time we come to a pause, it is over */
        result->ran = true;
        if (!probe_request_read(segment, &request, &err)) {
            result->exit_code = PROBE_USAGE;
            result->out = xstrdup("");
            result->err = xasprintf("%s\n", err.msg);
        } else if (request.verb == PROBE_PAUSE && !paused) {
            int64_t until_ms = now_ms() + request.timeout_ms;
            job->due_ms = until_ms < job->end_ms ? until_ms : job->end_ms;
            return false;
        } else {
            look_at(job, &request, result);
        }
        bool last = job->at + 1 == command->segment_count;
        if (last || !may_go_on(segment, result->exit_code))
            return true;
        job->at++;
    }
    return true;
}

/* @return false when the job waits again */
static bool job_work(struct transport_probe *probe, struct job *job)
{
    if (!job->started && now_ms() >= job->end_ms) {
        struct command_result result = { .outcome = OUTCOME_NOT_STARTED, .fault = FAULT_DEADLINE };
        result.message = xasprintf("the look waited %" PRId64 " ms for a free thread, and its time was over",
                                   now_ms() - job->began_ms);
        job_tell_result(probe, job, result);
        return true;
    }
    if (!job->started)
        job_tell(probe, job, (struct transport_event){ .kind = TRANSPORT_STARTED });
    job->started = true;
    if (!job_run(job))
        return false;
    job_tell_result(probe, job, (struct command_result){ .outcome = OUTCOME_ENDED });
    return true;
}

/* ---- threads ------------------------------------------------------------------------------------------------------
 */

/* With the mutex held: wait for a job that is due. @return NULL when the pool ends */
static struct job *next_job(struct transport_probe *probe)
{
    while (!probe->stopping) {
        struct job *job = probe->waiting;
        int64_t wait_ms = job != NULL ? job->due_ms - now_ms() : 0;
        if (job == NULL) {
            pthread_cond_wait(&probe->work, &probe->mutex);
        } else if (wait_ms <= 0) {
            list_remove(&probe->waiting, job);
            job->next = probe->running;
            probe->running = job;
            return job;
        } else {
            struct timespec until;
            clock_gettime(CLOCK_MONOTONIC, &until);
            until.tv_sec += wait_ms / 1000;
            until.tv_nsec += wait_ms % 1000 * 1000000;
            until.tv_sec += until.tv_nsec / 1000000000;
            until.tv_nsec %= 1000000000;
            pthread_cond_timedwait(&probe->work, &probe->mutex, &until);
        }
    }
    return NULL;
}

static void *thread_run(void *context)
{
    struct transport_probe *probe = context;
    pthread_mutex_lock(&probe->mutex);
    for (struct job *job; (job = next_job(probe)) != NULL;) {
        if (probe->waiting != NULL)
            pthread_cond_signal(&probe->work); /* the next one may be due too, and its signal was this one's */
        pthread_mutex_unlock(&probe->mutex);
        bool over = job_work(probe, job);
        pthread_mutex_lock(&probe->mutex);
        list_remove(&probe->running, job);
        if (over || job->abandoned)
            job_destroy(job);
        else
            job_wait(probe, job);
    }
    pthread_mutex_unlock(&probe->mutex);
    return NULL;
}

static bool threads_start(struct transport_probe *probe, unsigned count, struct err *err)
{
    sigset_t all, before;
    pthread_attr_t attributes;
    int rc = 0;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    sigfillset(&all); /* signals are the main thread's; SIGPIPE from OpenSSL must end nobody */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    probe->threads = xcalloc(count, sizeof(*probe->threads));
    while (probe->thread_count < count && rc == 0) {
        rc = pthread_create(&probe->threads[probe->thread_count], &attributes, thread_run, probe);
        probe->thread_count += rc == 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return rc == 0 || err_set(err, ERR_IO, "start thread %u of the probes: %s", probe->thread_count + 1, strerror(rc));
}

/* ---- the interface ------------------------------------------------------------------------------------------------
 */

static void probe_set_node(struct transport *base, const struct transport_node *node)
{
    (void)base; /* addresses come with each look */
    (void)node;
}

static void probe_remove_node(struct transport *base, int64_t node_id)
{
    (void)base;
    (void)node_id;
}

static void probe_start(struct transport *base, struct command *command)
{
    struct transport_probe *probe = probe_from(base);
    assert(command->lane == LANE_PROBE && command->deadline_ms > 0);
    struct job *job = job_create(command);
    if (job->cancel_fd < 0) {
        struct command_result result = { .outcome = OUTCOME_NOT_STARTED, .fault = FAULT_CHANNEL };
        result.message = xasprintf("no file descriptor for the look: %s", strerror(errno));
        job_tell_result(probe, job, result);
        job_destroy(job);
        return;
    }
    pthread_mutex_lock(&probe->mutex);
    job_wait(probe, job);
    pthread_mutex_unlock(&probe->mutex);
}

/* With the mutex held. */
static void forget_events(struct transport_probe *probe, uint64_t id)
{
    struct queued_event **link = &probe->first_event;
    while (*link != NULL) {
        struct queued_event *queued = *link;
        if (queued->event.command_id != id) {
            link = &queued->next;
            continue;
        }
        *link = queued->next;
        transport_event_finish(&queued->event);
        free(queued);
    }
    probe->last_event = link;
}

static void probe_abandon(struct transport *base, uint64_t id)
{
    struct transport_probe *probe = probe_from(base);
    pthread_mutex_lock(&probe->mutex);
    struct job *job = list_find(probe->waiting, id);
    if (job != NULL) {
        list_remove(&probe->waiting, job);
        job_destroy(job);
    }
    job = list_find(probe->running, id);
    if (job != NULL) {
        job->abandoned = true;
        eventfd_write(job->cancel_fd, 1);
    }
    forget_events(probe, id);
    pthread_mutex_unlock(&probe->mutex);
}

static size_t probe_poll(struct transport *base, struct transport_event *ret_events, size_t events_max)
{
    struct transport_probe *probe = probe_from(base);
    size_t count = 0;
    pthread_mutex_lock(&probe->mutex);
    while (count < events_max && probe->first_event != NULL) {
        struct queued_event *queued = probe->first_event;
        probe->first_event = queued->next;
        if (probe->first_event == NULL)
            probe->last_event = &probe->first_event;
        ret_events[count++] = queued->event;
        free(queued);
    }
    pthread_mutex_unlock(&probe->mutex);
    return count;
}

static void probe_destroy(struct transport *base)
{
    if (base == NULL)
        return;
    struct transport_probe *probe = probe_from(base);
    pthread_mutex_lock(&probe->mutex);
    probe->stopping = true;
    for (struct job *job = probe->running; job != NULL; job = job->next) {
        job->abandoned = true;
        eventfd_write(job->cancel_fd, 1);
    }
    pthread_cond_broadcast(&probe->work);
    pthread_mutex_unlock(&probe->mutex);
    for (unsigned i = 0; i < probe->thread_count; i++)
        pthread_join(probe->threads[i], NULL);
    free(probe->threads);
    jobs_destroy(probe->waiting);
    struct transport_event event;
    while (probe_poll(base, &event, 1) > 0)
        transport_event_finish(&event);
    pthread_cond_destroy(&probe->work);
    pthread_mutex_destroy(&probe->mutex);
    free(probe);
}

static const struct transport_ops probe_ops = {
    .name = "probe",
    .set_node = probe_set_node,
    .remove_node = probe_remove_node,
    .start = probe_start,
    .abandon = probe_abandon,
    .poll = probe_poll,
    .destroy = probe_destroy,
};

struct transport *transport_probe_create(const struct transport_probe_config *config, struct transport_wake wake,
                                         struct err *err)
{
    probe_curl_start();
    struct transport_probe *probe = xcalloc(1, sizeof(*probe));
    probe->base.ops = &probe_ops;
    probe->wake = wake;
    probe->last_event = &probe->first_event;
    pthread_mutex_init(&probe->mutex, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&probe->work, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (!threads_start(probe, config->threads > 0 ? config->threads : THREADS_DEFAULT, err)) {
        probe_destroy(&probe->base);
        return NULL;
    }
    return &probe->base;
}
