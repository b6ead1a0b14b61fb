/*
 * xml.h - a small pull reader for the XML that servers answer with.
 *
 * It knows elements, text, the five entities and character references, CDATA,
 * comments and processing instructions; attributes are passed over, document
 * types refused.  Names lose their prefix.  The reader keeps nothing but what
 * is in its struct, and borrows the text that it reads.
 *
 *     xml_init(&x, text, &scratch);
 *     while (xml_next(&x, &event, e) == 1) ...
 */
#ifndef NET_XML_H
#define NET_XML_H

#include "core/buf.h"

enum {
    XML_DEPTH_MAX = 16
};

enum xml_kind {
    XML_OPEN,
    XML_CLOSE, /* also of <x/>, right behind its XML_OPEN */
    XML_TEXT,  /* never empty; blanks between elements are text too */
};

struct xml_event {
    enum xml_kind kind;
    struct slice name; /* XML_OPEN, XML_CLOSE */
    struct slice text; /* XML_TEXT, decoded; good until the next call */
};

struct xml {
    struct slice all, rest;
    struct buf *scratch;
    struct slice open[XML_DEPTH_MAX]; /* names, outermost first */
    size_t depth;
    bool closes; /* the innermost element was <x/> */
    bool seen;   /* the outermost element has begun */
};

/* scratch is the caller's, with its own ceiling, and is emptied. */
void xml_init(struct xml *x, struct slice text, struct buf *scratch);
/* 1: an event, 0: the end, -1: ERR_MALFORMED with the byte, or ERR_LIMIT. */
int xml_next(struct xml *x, struct xml_event *ret, struct err *e) MUST_USE;

/* Where the reader is: "ListBucketResult/Contents/Key" is open; a part "*"
 * stands for any name. */
bool xml_is_at(const struct xml *x, const char *path);

/* Append text with & < > " ' as entities. */
int xml_escape(struct buf *b, struct slice text, struct err *e) MUST_USE;

#endif
