/* probe.h - looks at a service from outside, as a customer would: the transport of LANE_PROBE commands.
 *
 * Looks block, so they run on a pool of threads. What is asked is a segment whose words are a small language of our
 * own, below; it is no shell and nothing of it reaches one. A leading option `timeout=MS` says how long the look may
 * take (never past the command's deadline). ADDRESS is an IPv4 or IPv6 address (the usual case, no look-up), or a name
 * for the system's resolver, of which the first address counts.
 *
 *   pause MS
 *       wait. It holds no thread: a command that waits for a known condition may look again cheaply.
 *   http [timeout=5000] ADDRESS PORT HOST PATH
 *       GET http://HOST/PATH from that address. Redirections are reported, not followed. Answered: status 200 to 399.
 *           status 200
 *           type text/html
 *           length 612                      as the server said, -1 when it did not
 *           location https://example.com/   only with a redirection
 *           ms 3
 *           body 612 whole                  or `cut`: more than 64 KiB came
 *           <empty line, then the body>
 *   resolve [timeout=4000] [ADDRESS PORT]... ask NAME TYPE [NAME TYPE]...
 *       the same of recursive resolvers, without any of those of the system (/etc/resolv.conf): with recursion, so no
 *       answer has authority. Answered: each told what there is, or that there is no such name. Facts as of `dns`.
 *   dns [timeout=2000] ADDRESS PORT [ADDRESS PORT]... ask NAME TYPE [NAME TYPE]...
 *       ask each server every question, all at once, without recursion: UDP, sent again when nothing comes, and TCP for
 * what is truncated. The whole look costs about one round trip, however many servers and questions. Answered: every
 * server gave an authoritative answer to every question (which may be that there is no such name). server 192.0.2.1 53
 * 18 18 2     address, port, questions answered, asked, milliseconds failure connection refused      only when there
 * was one question example.com. MX NOERROR aa udp       or `- - -` when no answer came, `REFUSED - udp` ... record
 * example.com. 14400 MX 10 mail.example.com. Records are in one canonical form: names lower-case with a final dot; the
 * strings of a TXT joined without quotes, with \DDD for a byte that is not printable ASCII and \\ for a backslash; CAA
 * as `0 issue "letsencrypt.org"`; all others as ldns prints them. imap [timeout=8000] [name=HOST] [verify=yes] ADDRESS
 * PORT USER      the password is the segment's INPUT_STDIN STARTTLS (required), login, SELECT INBOX. The certificate is
 * not verified unless asked, and the facts say so; `name` is what the server is called (SNI and verification).
 * Answered: the mailbox opened. tls yes certificate unverified          or `verified` subject CN = mail.example.com
 * when the server showed one expires Nov 23 10:00:00 2027 GMT login yes mailbox yes ms 40 imap-greeting [timeout=5000]
 * ADDRESS PORT Answered: the server greets with `* OK`. greeting * OK [CAPABILITY IMAP4rev1 ...] ready. ms 1 tcp
 * [timeout=3000] ADDRESS PORT Answered: the connection stands. ms 1
 *
 * The exit code says how it went, `out` holds the facts (above; of a look without an answer at least `ms`), `err` why,
 * one sentence a line. A look ends with a result whatever happens, also when the deadline cuts it short; only a command
 * that got no thread before its deadline ends with OUTCOME_NOT_STARTED. There are no TRANSPORT_OUTPUT events:
 * everything comes with the result. */
#ifndef BERTH_TRANSPORT_PROBE_H
#define BERTH_TRANSPORT_PROBE_H

#include "transport/transport.h"

enum probe_exit {
    PROBE_ANSWERED = 0,
    PROBE_WRONG = 1,  /* there was an answer, but not the one: 404, refused login, not authoritative ... */
    PROBE_SILENT = 2, /* no answer: refused, unreachable, timed out, broken off */
    PROBE_USAGE = 64, /* the words make no sense: our own mistake */
};

struct transport_probe_config {
    unsigned threads; /* 0: 8 */
};

/**
 * Start the pool.
 *
 * @return NULL with ERR_IO when threads cannot be had; else the caller's to end with ops->destroy(), which breaks off
 * what runs and takes some milliseconds (a look that waits for the system's resolver is left behind, not waited for)
 */
struct transport *transport_probe_create(const struct transport_probe_config *config, struct transport_wake wake,
                                         struct err *err);

#endif
