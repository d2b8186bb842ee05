/* page.h - HTML pages for customers: one frame, the stylesheet and script of the customer's build or, where there is none, a
 * small stylesheet of our own; nothing from elsewhere. Private to src/http. */
#ifndef BERTH_HTTP_PAGE_H
#define BERTH_HTTP_PAGE_H

#include "http/call.h"

/** Append text with & < > " ' made harmless. */
void page_add_text(struct buf *buf, const char *text);
/** Append "  <p>text</p>" with a class (or NULL). */
void page_add_paragraph(struct buf *buf, const char *class_name, const char *text);
enum page_kind { PAGE_NOTE, PAGE_LIVE /* with the script that keeps it up to date */ };
/** Begin a page. @param refresh_s  seconds after which a browser without scripts loads it again; 0: never */
void page_begin(struct call *call, struct buf *buf, enum page_kind kind, const char *title, int refresh_s);
/** Data for the script: <script type="application/json">, which no browser runs. Takes the JSON. */
void page_add_data(struct buf *buf, const char *id, json_t *data);
/** End the page and make it the answer, with headers that allow it nothing but what is its own. */
void page_answer(struct call *call, unsigned status, struct buf *buf);
/** A whole page with a heading and one paragraph. */
void page_answer_note(struct call *call, unsigned status, const char *heading, const char *text);

/* page_status.c */
/** The service that the token in the path names. @return false: the call has been refused, with a problem for a program */
MUST_CHECK bool page_check_link(struct call *call, int64_t *ret_service_id);

#endif
