/* page.c - see page.h. */
#include "page.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "http/assets.h"

static const char stylesheet[] =
    ":root{color-scheme:light dark;--ink:#1c2430;--soft:#5a6675;--line:#d8dee6;--card:#fff;--back:#f3f5f8;"
    "--go:#1a66d6;--good:#1a7f43;--bad:#b3261e}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e8ecf2;--soft:#a3afbd;--line:#333d4a;--card:#1a212b;--back:#11161d;"
    "--go:#79aefc;--good:#6cd495;--bad:#ff9c94}}"
    "*{box-sizing:border-box}"
    "body{margin:0;background:var(--back);color:var(--ink);font:1.0625rem/1.5 system-ui,sans-serif}"
    "main{max-width:38rem;margin:6vh auto;padding:1.75rem;background:var(--card);border:1px solid var(--line);"
    "border-radius:.75rem}"
    "h1{font-size:1.5rem;line-height:1.25;margin:0 0 .5rem;overflow-wrap:anywhere}"
    "h2{font-size:1.0625rem;margin:1.75rem 0 .5rem}"
    "p{margin:.5rem 0}.soft{color:var(--soft)}.bad{color:var(--bad)}"
    ".bar{display:flex;align-items:center;gap:.75rem;margin:1.25rem 0}"
    "progress{flex:1;appearance:none;height:.75rem;border:0;border-radius:1rem;overflow:hidden;background:var(--line)}"
    "progress::-webkit-progress-bar{background:var(--line)}progress::-webkit-progress-value{background:var(--go)}"
    "progress::-moz-progress-bar{background:var(--go)}"
    "ol+p,dl+p{margin-top:1.25rem}"
    ".bar b{min-width:3.2em;text-align:right;font-variant-numeric:tabular-nums}"
    "ul,ol{list-style:none;margin:0;padding:0}"
    "li{display:flex;gap:.75rem;padding:.45rem 0;border-top:1px solid var(--line)}"
    "li:first-child{border-top:0}"
    "li span{flex:1;overflow-wrap:anywhere}li em{font-style:normal;color:var(--soft);white-space:nowrap}"
    "li.done em{color:var(--good)}li.working em{color:var(--go);font-weight:600}li.problem "
    "em{color:var(--bad);font-weight:600}"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.35rem 1rem;margin:0}dt{color:var(--soft)}"
    "dd{margin:0;overflow-wrap:anywhere}a{color:var(--go)}"
    "@media(max-width:30rem){main{margin:0;border:0;border-radius:0;min-height:100vh;padding:1.25rem}"
    "dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.6rem}}";

void page_add_text(struct buf *buf, const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        switch (*at) {
        case '&': buf_add_text(buf, "&amp;"); break;
        case '<': buf_add_text(buf, "&lt;"); break;
        case '>': buf_add_text(buf, "&gt;"); break;
        case '"': buf_add_text(buf, "&quot;"); break;
        case '\'': buf_add_text(buf, "&#39;"); break;
        default: buf_add_char(buf, *at); break;
        }
    }
}

void page_add_paragraph(struct buf *buf, const char *class_name, const char *text)
{
    if (class_name != NULL)
        buf_addf(buf, "<p class=\"%s\">", class_name);
    else
        buf_add_text(buf, "<p>");
    page_add_text(buf, text);
    buf_add_text(buf, "</p>\n");
}

void page_add_data(struct buf *buf, const char *id, json_t *data)
{
    CLEANUP(freep) char *text = json_dumps(data, JSON_COMPACT);
    json_decref(data);
    buf_addf(buf, "<script type=\"application/json\" id=\"%s\">", id);
    for (const char *at = text == NULL ? "null" : text; *at != '\0'; at++) {
        if (*at == '<')
            buf_add_text(buf, "\\u003c"); /* nothing in a text can end the element */
        else
            buf_add_char(buf, *at);
    }
    buf_add_text(buf, "</script>\n");
}

static bool has_own_styles(const struct call *call)
{
    return assets_customer_styles(call->config->assets)[0] == '\0';
}

void page_begin(struct call *call, struct buf *buf, enum page_kind kind, const char *title, int refresh_s)
{
    const struct assets *assets = call->config->assets;
    buf_add_text(buf,
                 "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                 "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n");
    if (refresh_s > 0)
        buf_addf(buf, "<noscript><meta http-equiv=\"refresh\" content=\"%d\"></noscript>\n", refresh_s);
    buf_add_text(buf, "<link rel=\"icon\" href=\"data:,\">\n<title>");
    page_add_text(buf, title);
    buf_add_text(buf, "</title>\n");
    if (has_own_styles(call))
        buf_addf(buf, "<style>%s</style>\n", stylesheet);
    buf_add_text(buf, assets_customer_styles(assets));
    if (kind == PAGE_LIVE)
        buf_add_text(buf, assets_customer_script(assets));
    buf_add_text(buf, "</head>\n<body>\n<main>\n");
}

static void add_security_headers(struct call *call)
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    char base64[64], own[80] = "'self'", policy[320];
    crypto_hash_sha256(hash, (const unsigned char *)stylesheet, strlen(stylesheet));
    sodium_bin2base64(base64, sizeof(base64), hash, sizeof(hash), sodium_base64_VARIANT_ORIGINAL);
    if (has_own_styles(call))
        snprintf(own, sizeof(own), "'sha256-%s'", base64);
    snprintf(policy, sizeof(policy),
             "default-src 'none'; style-src %s; %simg-src 'self' data:; base-uri 'none'; form-action 'self'; "
             "frame-ancestors 'none'",
             own, call->config->assets == NULL ? "" : "script-src 'self'; connect-src 'self'; ");
    call_add_header(call, "Content-Security-Policy", policy);
    call_add_header(call, "Referrer-Policy", "no-referrer"); /* the address is the key to the page */
    call_add_header(call, "X-Frame-Options", "DENY");
    call_add_header(call, "X-Robots-Tag", "noindex, nofollow");
}

void page_answer(struct call *call, unsigned status, struct buf *buf)
{
    buf_add_text(buf, "</main>\n</body>\n</html>\n");
    add_security_headers(call);
    call_answer(call, status, "text/html; charset=utf-8", buf);
}

void page_answer_note(struct call *call, unsigned status, const char *heading, const char *text)
{
    struct buf buf = BUF_INIT;
    page_begin(call, &buf, PAGE_NOTE, heading, 0);
    buf_add_text(&buf, "<h1>");
    page_add_text(&buf, heading);
    buf_add_text(&buf, "</h1>\n");
    page_add_paragraph(&buf, NULL, text);
    page_answer(call, status, &buf);
}
