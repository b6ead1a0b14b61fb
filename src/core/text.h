/*
 * text.h - questions about text: UTF-8, case, patterns, the nearest word; wrapping.
 */
#ifndef CORE_TEXT_H
#define CORE_TEXT_H

#include "core/buf.h"

/* Well-formed UTF-8: no overlong form, no surrogate, nothing over U+10FFFF.
 * On failure *bad_at (may be NULL) is the offset of the first bad byte. */
bool text_utf8_valid(struct slice s, size_t *bad_at);
bool text_ascii_ieq(struct slice a, struct slice b);
/* Bytes of the code point that begins at s.ptr[at] (1 where it is no UTF-8);
 * *columns: what a terminal takes for it: 0 for what joins the character
 * before it, 2 for East Asian characters and emoji, else 1. */
size_t text_step(struct slice s, size_t at, size_t *columns);
/* Terminal columns that s takes. */
size_t text_columns(struct slice s);
/* `*` stands for any run of bytes, all else for itself ("*.pin"). */
bool text_glob(const char *pattern, struct slice s);
/* Of n words the one nearest to `word`, or NULL when none is near. */
const char *text_nearest(struct slice word, const char *const *words, size_t n);
/* Append the words of text so that no line is wider than `width` bytes besides
 * a word that is; each line begins with `lead` and ends with LF. */
int text_wrap(struct buf *b, const char *lead, const char *text, size_t width,
              struct err *e) MUST_USE;

#endif
