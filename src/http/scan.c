/* scan.c - see scan.h. */
#include "scan.h"

#include <stdatomic.h>
#include <stdio.h>

struct scan {
    struct call *call;
    struct request *request;
    http_scan_host_key *scan_host_key;
};

static atomic_int scans_running;

/* What the scan learned stands in the request. @return false: it learned nothing, and the call has been refused */
static bool scan_ok(struct call *call)
{
    struct problem problem = { .kind = PROBLEM_NODE_UNREACHABLE, .err = call->request->err };
    if (!call->request->ok)
        call_refuse(call, &problem);
    return call->request->ok;
}

/* HTTP thread: the scan is over. */
static void finish_and_answer(struct call *call)
{
    if (scan_ok(call))
        call->finish_after_scan(call);
}

/* HTTP thread: the scan is over. */
static void finish_and_post(struct call *call)
{
    if (!scan_ok(call))
        return;
    struct request *request = call->request;
    call->request = NULL;
    request->ok = false;
    call_post(call, request, call->finish_after_scan);
}

/* Touches nothing of the server: it may have stopped meanwhile. */
static void *run(void *context)
{
    CLEANUP(freep) struct scan *scan = context;
    struct request *request = scan->request;
    struct node *node = &request->node;
    char *key_line = NULL, *fingerprint = NULL;
    request->ok =
        scan->scan_host_key(node->ssh_address, node->ssh_port, SCAN_TIMEOUT_MS, &key_line, &fingerprint, &request->err);
    if (request->ok) {
        free(node->host_key);
        node->host_key = key_line;
        free(fingerprint); /* shown again from the stored key */
    } else {
        err_wrap(&request->err, "the host key of %.80s, port %d, cannot be read", node->ssh_address, node->ssh_port);
        snprintf(request->err.field, sizeof(request->err.field), "address");
    }
    atomic_fetch_sub(&scans_running, 1);
    scan->call->request = request;
    call_wake(scan->call);
    return NULL;
}

static bool start_thread(struct scan *scan)
{
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    bool started = pthread_create(&thread, &attributes, run, scan) == 0;
    pthread_attr_destroy(&attributes);
    return started;
}

static void refuse_busy(struct call *call, struct request *request)
{
    struct problem problem;
    problem_set(&problem, PROBLEM_BUSY, "",
                "too many servers are being asked for their key at once; try again in a moment");
    call_refuse(call, &problem);
    request_destroy(request);
}

/* @param then  what is done in the HTTP thread when the scan is over */
static void scan(struct call *call, struct request *request, void (*then)(struct call *call),
                 void (*finish)(struct call *call))
{
    if (atomic_fetch_add(&scans_running, 1) >= SCANS_MAX) {
        atomic_fetch_sub(&scans_running, 1);
        refuse_busy(call, request);
        return;
    }
    if (!call_sleep(call)) {
        atomic_fetch_sub(&scans_running, 1);
        request_destroy(request);
        return;
    }
    struct scan *work = xcalloc(1, sizeof(*work));
    *work = (struct scan){ call, request, call->config->scan_host_key };
    call->finish = then;
    call->finish_after_scan = finish;
    if (!start_thread(work)) {
        free(work);
        atomic_fetch_sub(&scans_running, 1);
        refuse_busy(call, request);
        call_wake(call);
    }
}

void scan_then_post(struct call *call, struct request *request, void (*finish)(struct call *call))
{
    scan(call, request, finish_and_post, finish);
}

void scan_then_answer(struct call *call, struct request *request, void (*finish)(struct call *call))
{
    scan(call, request, finish_and_answer, finish);
}
