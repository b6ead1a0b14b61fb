/*
 * text.h - questions about text: UTF-8, case, patterns, the nearest word.
 */
#ifndef CORE_TEXT_H
#define CORE_TEXT_H

#include "core/slice.h"

/* Well-formed UTF-8: no overlong form, no surrogate, nothing over U+10FFFF.
 * On failure *bad_at (may be NULL) is the offset of the first bad byte. */
bool text_utf8_valid(struct slice s, size_t *bad_at);
bool text_ascii_ieq(struct slice a, struct slice b);
/* `*` stands for any run of bytes, all else for itself ("*.pin"). */
bool text_glob(const char *pattern, struct slice s);
/* Of n words the one nearest to `word`, or NULL when none is near. */
const char *text_nearest(struct slice word, const char *const *words, size_t n);

#endif
