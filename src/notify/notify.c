/* notify.c - the notifier of berthd: one thread that sends notices one after the other, each through its channel. See notify.h. */
#include "notify/notify.h"

#include <poll.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/redact.h"
#include "notify/channel.h"

#define TIMEOUT_MS 20000

struct notifier_real {
    struct notifier base;
    struct notifier_config config;
    char *ca_file;
    pthread_t thread;
    pthread_mutex_t lock; /* of all that follows */
    pthread_cond_t changed;
    struct settings settings;
    struct notice *first;
    struct notice **last_next;
    struct notice_result *results;
    size_t result_count, result_capacity;
    bool stops;
    int stop_fd; /* readable once it stops: ends an exchange that is under way */
};

static pthread_once_t curl_started = PTHREAD_ONCE_INIT;

static void curl_start(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

void notice_destroy(struct notice *notice)
{
    if (notice == NULL)
        return;
    free(notice->key);
    free(notice->thread_key);
    free(notice->marker);
    free(notice->remote_id);
    free(notice->subject);
    free(notice->body);
    free(notice);
}

void notice_result_finish(struct notice_result *result)
{
    free(result->remote_id);
    free(result->remote_number);
    free(result->detail);
    *result = (struct notice_result){ 0 };
}

/* ---- the thread --------------------------------------------------------------------------------------------------------- */

static void send_notice(struct notifier_real *real, const struct settings *settings, const struct notice *notice,
                        struct notice_result *result)
{
    struct channel channel = { .settings = settings,
                               .ca_file = real->ca_file,
                               .timeout_ms = real->config.timeout_ms,
                               .cancel_fd = real->stop_fd };
    result->message_id = notice->message_id;
    switch (notice->channel) {
    case TICKET_CHANNEL_WHMCS: channel_send_whmcs(&channel, notice, result); return;
    case TICKET_CHANNEL_MAIL: channel_send_mail(&channel, notice, result); return;
    case TICKET_CHANNEL_WEBHOOK: channel_send_webhook(&channel, notice, result); return;
    case TICKET_CHANNEL_NONE: break;
    }
    channel_failed(result, NOTICE_REFUSED, "the ticket has no channel");
}

static void keep_result(struct notifier_real *real, struct notice_result result)
{
    if (real->result_count == real->result_capacity) {
        real->result_capacity = real->result_capacity == 0 ? 8 : real->result_capacity * 2;
        real->results = xrealloc(real->results, real->result_capacity * sizeof(*real->results));
    }
    real->results[real->result_count++] = result;
}

static struct notice *take_first(struct notifier_real *real)
{
    struct notice *notice = real->first;
    real->first = notice->next;
    if (real->first == NULL)
        real->last_next = &real->first;
    return notice;
}

static void *work(void *context)
{
    struct notifier_real *real = context;
    struct settings *settings = xcalloc(1, sizeof(*settings));
    pthread_mutex_lock(&real->lock);
    for (;;) {
        while (!real->stops && real->first == NULL)
            pthread_cond_wait(&real->changed, &real->lock);
        if (real->stops)
            break;
        struct notice *notice = take_first(real);
        *settings = real->settings;
        pthread_mutex_unlock(&real->lock);
        struct notice_result result = { 0 };
        send_notice(real, settings, notice, &result);
        notice_destroy(notice);
        pthread_mutex_lock(&real->lock);
        keep_result(real, result);
        pthread_mutex_unlock(&real->lock);
        if (real->config.wake != NULL)
            real->config.wake(real->config.wake_context);
        pthread_mutex_lock(&real->lock);
    }
    pthread_mutex_unlock(&real->lock);
    sodium_memzero(settings, sizeof(*settings));
    free(settings);
    return NULL;
}

/* ---- for the engine ------------------------------------------------------------------------------------------------------- */

static struct notifier_real *real_of(struct notifier *notifier)
{
    return CONTAINER_OF(notifier, struct notifier_real, base);
}

static void register_secrets(const struct settings *settings, void (*change)(const char *secret))
{
    change(settings->notify.whmcs_secret);
    change(settings->notify.smtp_password);
    change(settings->notify.webhook_secret);
}

static void real_configure(struct notifier *notifier, const struct settings *settings)
{
    struct notifier_real *real = real_of(notifier);
    pthread_mutex_lock(&real->lock);
    register_secrets(settings, redact_add);
    register_secrets(&real->settings, redact_remove);
    real->settings = *settings;
    pthread_mutex_unlock(&real->lock);
}

static void real_start(struct notifier *notifier, struct notice *notice)
{
    struct notifier_real *real = real_of(notifier);
    notice->next = NULL;
    pthread_mutex_lock(&real->lock);
    *real->last_next = notice;
    real->last_next = &notice->next;
    pthread_cond_signal(&real->changed);
    pthread_mutex_unlock(&real->lock);
}

static size_t real_poll(struct notifier *notifier, struct notice_result *ret_results, size_t max)
{
    struct notifier_real *real = real_of(notifier);
    pthread_mutex_lock(&real->lock);
    size_t count = real->result_count < max ? real->result_count : max;
    if (count > 0) {
        memcpy(ret_results, real->results, count * sizeof(*ret_results));
        real->result_count -= count;
        memmove(real->results, real->results + count, real->result_count * sizeof(*real->results));
    }
    pthread_mutex_unlock(&real->lock);
    return count;
}

static void real_destroy(struct notifier *notifier)
{
    struct notifier_real *real = real_of(notifier);
    uint64_t one = 1;
    pthread_mutex_lock(&real->lock);
    real->stops = true;
    ssize_t written = write(real->stop_fd, &one, sizeof(one));
    (void)written;
    pthread_cond_signal(&real->changed);
    pthread_mutex_unlock(&real->lock);
    pthread_join(real->thread, NULL);
    while (real->first != NULL)
        notice_destroy(take_first(real));
    for (size_t i = 0; i < real->result_count; i++)
        notice_result_finish(&real->results[i]);
    free(real->results);
    register_secrets(&real->settings, redact_remove);
    sodium_memzero(&real->settings, sizeof(real->settings));
    pthread_cond_destroy(&real->changed);
    pthread_mutex_destroy(&real->lock);
    close(real->stop_fd);
    free(real->ca_file);
    free(real);
}

static const struct notifier_ops real_ops = {
    .name = "channels", .configure = real_configure, .start = real_start, .poll = real_poll, .destroy = real_destroy
};

bool notifier_create(const struct notifier_config *config, struct notifier **ret_notifier, struct err *err)
{
    struct notifier_real *real = xcalloc(1, sizeof(*real));
    pthread_once(&curl_started, curl_start);
    real->base.ops = &real_ops;
    real->config = *config;
    if (real->config.timeout_ms == 0)
        real->config.timeout_ms = TIMEOUT_MS;
    real->ca_file = config->ca_file == NULL ? NULL : xstrdup(config->ca_file);
    real->last_next = &real->first;
    settings_defaults(&real->settings);
    pthread_mutex_init(&real->lock, NULL);
    pthread_cond_init(&real->changed, NULL);
    real->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (real->stop_fd >= 0 && pthread_create(&real->thread, NULL, work, real) == 0) {
        *ret_notifier = &real->base;
        return true;
    }
    if (real->stop_fd >= 0)
        close(real->stop_fd);
    pthread_cond_destroy(&real->changed);
    pthread_mutex_destroy(&real->lock);
    free(real->ca_file);
    free(real);
    return err_set(err, ERR_IO, "the notifier's thread cannot be started");
}
