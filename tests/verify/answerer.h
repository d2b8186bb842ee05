/* answerer.h - two small servers for what real ones rarely do: a name server with bad manners, and a TCP server that says a fixed
 * text. Each is a thread that ends with answerer_stop(). */
#ifndef BERTH_TESTS_VERIFY_ANSWERER_H
#define BERTH_TESTS_VERIFY_ANSWERER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum manners {
    PROPER,         /* one TXT record "udp" or "tcp" to every question, with authority */
    TRUNCATES,      /* over UDP: TC and nothing else */
    TCP_ONE_A_TIME, /* as TRUNCATES, and every TCP connection is closed after one answer */
    TCP_NEVER,      /* as TRUNCATES, and TCP is closed without an answer */
    SILENT,
    LOSES_THE_FIRST, /* the first packet of every question is lost */
    FORGES_FIRST,    /* before each answer two wrong ones: another id, another question */
    NOT_AUTHORITATIVE,
    RECURSES,      /* without authority, and only to whom asks for recursion: others are refused */
    REFUSES_EMPTY, /* REFUSED, without repeating the question */
    FAILS,         /* SERVFAIL */
    NO_SUCH_NAME,
    TALKS_RUBBISH, /* bytes that are no DNS message */
    MANY_RECORDS,  /* the record zoo: see answerer.c */
};

struct answerer {
    enum manners manners;
    int port;
    int udp, tcp;
    const char *text; /* of a talker */
    pthread_t thread;
    _Atomic bool ends;
    _Atomic int heard; /* questions, or connections of a talker */
};

void answerer_start(struct answerer *answerer, enum manners manners);
/** A TCP server that says `text` to whoever connects and closes; NULL: it says nothing and keeps the connection. */
void talker_start(struct answerer *talker, const char *text);
void answerer_stop(struct answerer *answerer);

#endif
