/* passwords.c - see passwords.h. */
#include "passwords.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#define OPSLIMIT 2
#define MEMLIMIT (19U * 1024U * 1024U)

/* For names that nobody has: the same work, and no password fits. */
static const char nobody[] =
    "$argon2id$v=19$m=19456,t=2,p=1$bm8gc2FsdCBvZiBhbnlib2R5$"
    "bm8gcGFzc3dvcmQgZ2l2ZXMgdGhpcyBoYXNoLCBldmU";

struct job {
    struct job *next;
    struct call *call;
    struct request *request;
    char *check, *hash, *new_password;
};

struct passwords {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct job *first, **last_next;
    size_t count;
    bool stopping;
};

static void wipe(char *text)
{
    if (text != NULL)
        sodium_memzero(text, strlen(text));
    free(text);
}

static void job_destroy(struct job *job)
{
    wipe(job->check);
    wipe(job->new_password);
    free(job->hash);
    free(job);
}

/* ---- the thread --------------------------------------------------------------------------------------------------- */

static bool is_right(const struct job *job)
{
    if (job->check == NULL)
        return true;
    bool fits = crypto_pwhash_str_verify(job->hash != NULL ? job->hash : nobody, job->check, strlen(job->check)) == 0;
    return fits && job->hash != NULL;
}

static void do_job(struct job *job)
{
    struct request *request = job->request;
    request->ok = is_right(job);
    if (!request->ok || job->new_password == NULL)
        return;
    char hash[crypto_pwhash_STRBYTES];
    if (crypto_pwhash_str_alg(hash, job->new_password, strlen(job->new_password), OPSLIMIT, MEMLIMIT,
                              crypto_pwhash_ALG_ARGON2ID13) != 0)
        abort(); /* out of memory, as in xcalloc() */
    free(request->access.password);
    request->access.password = xstrdup(hash);
}

/* NULL when the thread is to end. */
static struct job *take(struct passwords *passwords)
{
    pthread_mutex_lock(&passwords->lock);
    while (passwords->first == NULL && !passwords->stopping)
        pthread_cond_wait(&passwords->filled, &passwords->lock);
    struct job *job = passwords->stopping ? NULL : passwords->first;
    if (job != NULL) {
        passwords->first = job->next;
        passwords->count--;
        if (passwords->first == NULL)
            passwords->last_next = &passwords->first;
    }
    pthread_mutex_unlock(&passwords->lock);
    return job;
}

static void *run(void *context)
{
    for (struct job *job; (job = take(context)) != NULL;) {
        struct call *call = job->call;
        do_job(job);
        call->request = job->request;
        job_destroy(job);
        call_wake(call);
    }
    return NULL;
}

/* ---- its life ----------------------------------------------------------------------------------------------------- */

struct passwords *passwords_create(void)
{
    struct passwords *passwords = xcalloc(1, sizeof(*passwords));
    pthread_mutex_init(&passwords->lock, NULL);
    pthread_cond_init(&passwords->filled, NULL);
    passwords->last_next = &passwords->first;
    if (pthread_create(&passwords->thread, NULL, run, passwords) != 0)
        abort(); /* no thread can be made at start: nothing would work */
    (void)pthread_setname_np(passwords->thread, "passwords");
    return passwords;
}

void passwords_stop(struct passwords *passwords)
{
    pthread_mutex_lock(&passwords->lock);
    passwords->stopping = true;
    pthread_cond_signal(&passwords->filled);
    pthread_mutex_unlock(&passwords->lock);
    pthread_join(passwords->thread, NULL);
    while (passwords->first != NULL) {
        struct job *job = passwords->first;
        struct call *call = job->call;
        passwords->first = job->next;
        request_destroy(job->request);
        job_destroy(job);
        call_wake(call);
    }
}

void passwords_destroy(struct passwords *passwords)
{
    if (passwords == NULL)
        return;
    pthread_cond_destroy(&passwords->filled);
    pthread_mutex_destroy(&passwords->lock);
    free(passwords);
}

/* ---- the HTTP thread ---------------------------------------------------------------------------------------------- */

static char *copy(const char *text)
{
    return text == NULL ? NULL : xstrdup(text);
}

static bool is_full(struct passwords *passwords)
{
    pthread_mutex_lock(&passwords->lock);
    bool full = passwords->count >= PASSWORDS_WAITING_MAX || passwords->stopping;
    pthread_mutex_unlock(&passwords->lock);
    return full;
}

/* After passwords_stop() nobody looks at the list: the server stops, and wakes who sleeps. */
static void push(struct passwords *passwords, struct job *job)
{
    pthread_mutex_lock(&passwords->lock);
    bool stopping = passwords->stopping;
    if (!stopping) {
        *passwords->last_next = job;
        passwords->last_next = &job->next;
        passwords->count++;
        pthread_cond_signal(&passwords->filled);
    }
    pthread_mutex_unlock(&passwords->lock);
    if (!stopping)
        return;
    struct call *call = job->call;
    request_destroy(job->request);
    job_destroy(job);
    call_wake(call);
}

bool passwords_work(struct passwords *passwords, struct call *call, struct request *request,
                    const struct password_work *work, void (*finish)(struct call *call))
{
    if (is_full(passwords)) { /* only this thread adds to it */
        struct problem problem;
        problem_set(&problem, PROBLEM_BUSY, "", "too many passwords are being checked; try again in a moment");
        call_refuse(call, &problem);
        request_destroy(request);
        return false;
    }
    if (!call_sleep(call)) {
        request_destroy(request);
        return false;
    }
    struct job *job = xcalloc(1, sizeof(*job));
    *job = (struct job){ .call = call,
                         .request = request,
                         .check = copy(work->check),
                         .hash = copy(work->hash),
                         .new_password = copy(work->new_password) };
    call->finish = finish;
    push(passwords, job);
    return true;
}

struct request *passwords_take(struct call *call)
{
    struct request *request = call->request;
    assert(request != NULL);
    call->request = NULL;
    request->ok = false;
    return request;
}

bool password_check(const char *password, const char *field, struct problem *problem)
{
    size_t length = strlen(password);
    if (length < PASSWORD_MIN || length > PASSWORD_MAX)
        return problem_set(problem, PROBLEM_BAD_VALUE, field, "the password must have %d to %d bytes", PASSWORD_MIN,
                           PASSWORD_MAX);
    return true;
}
