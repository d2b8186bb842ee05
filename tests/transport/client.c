/* client.c - see client.h. */
#include "client.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/rng.h"
#include "base/util.h"

static void on_wake(void *context)
{
    const uint64_t one = 1;
    struct client *client = context;
    ssize_t written = write(client->wake_fd, &one, sizeof(one));
    (void)written;
}

static void open_transport(struct client *client, const struct sshd *sshd, struct transport_ssh_config config)
{
    struct err err = { 0 };
    config.installation = client->installation;
    if (config.key_path == NULL)
        config.key_path = sshd->key_path;
    client->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    client->transport = transport_ssh_create(&config, (struct transport_wake){ on_wake, client }, &err);
    if (client->transport == NULL)
        fail_msg("transport: %s", err.msg);
}

void client_open_bare(struct client *client, const struct sshd *sshd, struct transport_ssh_config config)
{
    struct rng rng;
    if (client->installation[0] == '\0') {
        *client = (struct client){ .next_id = 1, .next_fence = 100 };
        rng_init_real(&rng);
        rng_text(&rng, SSH_INSTALLATION_LENGTH, client->installation);
    }
    open_transport(client, sshd, config);
}

void client_open(struct client *client, const struct sshd *sshd, struct transport_ssh_config config)
{
    client_open_bare(client, sshd, config);
    struct transport_node node = sshd_node(sshd, 1);
    client->transport->ops->set_node(client->transport, &node);
}

void client_close(struct client *client)
{
    if (client->transport == NULL)
        return;
    client->transport->ops->destroy(client->transport);
    client->transport = NULL;
    close(client->wake_fd);
    for (size_t i = 0; i < client->output_count; i++)
        free(client->outputs[i].data);
    for (size_t i = 0; i < client->result_count; i++)
        transport_event_finish(&client->results[i]);
    free(client->down_message);
    client->down_message = NULL;
    client->output_count = client->result_count = 0;
    client->ups = client->downs = client->started = 0;
}

char *client_state_path(const struct client *client, const char *name)
{
    return xasprintf("%s/.berth/%s/%s", getenv("HOME"), client->installation, name);
}

void client_end(struct client *client)
{
    client_close(client);
    CLEANUP(freep) char *state = client_state_path(client, "");
    CLEANUP(freep)
    char *command =
        xasprintf("for i in 1 2 3 4 5 6 7 8 9; do rm -rf '%s' 2>/dev/null && break; sleep 0.1; done", state);
    if (system(command) != 0) /* a lane that is at work yet may hold it up */
        fail_msg("remove %s", state);
    client->installation[0] = '\0';
}

/* ---- events --------------------------------------------------------------------------------------------------------- */

static void take(struct client *client, struct transport_event *event)
{
    switch (event->kind) {
    case TRANSPORT_STARTED:
        client->started++;
        client->started_us = event->at_us;
        break;
    case TRANSPORT_OUTPUT:
        assert_true(client->output_count < OUTPUTS_MAX);
        client->outputs[client->output_count++] =
            (struct output){ event->command_id, event->number, event->segment,    event->stream,
                             event->data,       event->length, clock_measure_us() };
        event->data = NULL;
        break;
    case TRANSPORT_RESULT:
        assert_true(client->result_count < ARRAY_LEN(client->results));
        client->results[client->result_count++] = *event;
        return;
    case TRANSPORT_NODE_UP: client->ups++; break;
    case TRANSPORT_NODE_DOWN:
        client->downs++;
        free(client->down_message);
        client->down_message = xstrdup(event->results[0].message);
        client->down_fault = event->results[0].fault;
        break;
    }
    transport_event_finish(event);
}

static void turn(struct client *client, int64_t wait_ms)
{
    struct transport_event events[16];
    struct pollfd bell = { .fd = client->wake_fd, .events = POLLIN };
    uint64_t rings;
    size_t count;
    if (wait_ms > 0 && poll(&bell, 1, (int)wait_ms) == 1) {
        ssize_t got = read(client->wake_fd, &rings, sizeof(rings));
        (void)got;
    }
    while ((count = client->transport->ops->poll(client->transport, events, ARRAY_LEN(events))) > 0) {
        for (size_t i = 0; i < count; i++)
            take(client, &events[i]);
    }
}

void client_pump(struct client *client, int64_t ms)
{
    int64_t until_us = clock_measure_us() + ms * 1000;
    for (int64_t left_us; (left_us = until_us - clock_measure_us()) > 0;)
        turn(client, left_us / 1000 + 1);
}

struct transport_event client_wait(struct client *client, uint64_t id)
{
    int64_t until_us = clock_measure_us() + CLIENT_WAIT_MS * 1000LL;
    while (clock_measure_us() < until_us) {
        for (size_t i = 0; i < client->result_count; i++) {
            struct transport_event event = client->results[i];
            if (event.command_id != id)
                continue;
            client->results[i] = client->results[--client->result_count];
            return event;
        }
        turn(client, 100);
    }
    fail_msg("command %llu has no result after %d ms", (unsigned long long)id, CLIENT_WAIT_MS);
    abort();
}

void client_wait_up(struct client *client, int ups)
{
    int64_t until_us = clock_measure_us() + CLIENT_WAIT_MS * 1000LL;
    while (client->ups < ups) {
        if (clock_measure_us() > until_us)
            fail_msg("node is not up: %s", client->down_message != NULL ? client->down_message : "no word");
        turn(client, 100);
    }
}

void client_wait_output(struct client *client, size_t outputs)
{
    int64_t until_us = clock_measure_us() + CLIENT_WAIT_MS * 1000LL;
    while (client->output_count < outputs) {
        if (clock_measure_us() > until_us)
            fail_msg("only %zu pieces of output", client->output_count);
        turn(client, 100);
    }
}

char *client_output(const struct client *client, uint64_t id, unsigned segment, int stream)
{
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < client->output_count; i++) {
        const struct output *output = &client->outputs[i];
        if (output->command_id == id && output->segment == segment && output->stream == stream)
            buf_add(&text, output->data, output->length);
    }
    return buf_steal(&text);
}

/* ---- commands ------------------------------------------------------------------------------------------------------- */

struct command *client_command(struct client *client, enum lane lane)
{
    struct command *command = command_create();
    command->id = client->next_id++;
    command->node_id = 1;
    command->lane = lane;
    command->deadline_ms = 20000;
    command->fence = lane == LANE_MAKE ? client->next_fence++ : 0;
    return command;
}

struct command *client_pick_up(struct client *client, int64_t fence)
{
    struct command *command = client_command(client, LANE_MAKE);
    client->next_fence--;
    command->fence = fence;
    command->pick_up = true;
    return command;
}

uint64_t client_start(struct client *client, struct command *command)
{
    uint64_t id = command->id;
    client->transport->ops->start(client->transport, command);
    return id;
}

struct transport_event client_run(struct client *client, struct command *command)
{
    return client_wait(client, client_start(client, command));
}

struct segment *add_sh(struct command *command, const char *text)
{
    return command_add(command, "sh", "-c", text, NULL);
}

/* ---- expectations --------------------------------------------------------------------------------------------------- */

const struct segment_result *expect_ended(const struct transport_event *event, size_t segments)
{
    const struct command_result *result = &event->results[event->result_count - 1];
    if (result->outcome != OUTCOME_ENDED || result->segment_count != segments)
        fail_msg("%s with %zu segments: %s", outcome_name(result->outcome), result->segment_count,
                 result->message != NULL ? result->message : "no message");
    return result->segments;
}

void expect_outcome(const struct transport_event *event, enum outcome outcome, enum transport_fault fault)
{
    const struct command_result *result = &event->results[event->result_count - 1];
    if (result->outcome != outcome || result->fault != fault)
        fail_msg("%s/%s (%s), wanted %s/%s", outcome_name(result->outcome), transport_fault_name(result->fault),
                 result->message != NULL ? result->message : "no message", outcome_name(outcome),
                 transport_fault_name(fault));
}
