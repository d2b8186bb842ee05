/* page.h - plain HTML pages for customers: one frame, one small stylesheet of our own, no scripts, nothing from
 * elsewhere. Private to src/http. */
#ifndef BERTH_HTTP_PAGE_H
#define BERTH_HTTP_PAGE_H

#include "http/call.h"

/** Append text with & < > " ' made harmless. */
void page_add_text(struct buf *buf, const char *text);
/** Append "  <p>text</p>" with a class (or NULL). */
void page_add_paragraph(struct buf *buf, const char *class_name, const char *text);
/** Begin a page. @param refresh_s  seconds after which the browser loads it again; 0: never */
void page_begin(struct buf *buf, const char *title, int refresh_s);
/** End the page and make it the answer, with headers that allow it nothing but its own stylesheet. */
void page_answer(struct call *call, unsigned status, struct buf *buf);
/** A whole page with a heading and one paragraph. */
void page_answer_note(struct call *call, unsigned status, const char *heading, const char *text);

#endif
