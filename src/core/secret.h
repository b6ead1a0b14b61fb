/*
 * secret.h - what must not be seen: credentials, tokens, keys.
 */
#ifndef CORE_SECRET_H
#define CORE_SECRET_H

#include "core/buf.h"

enum {
    SECRET_FILE_MAX = 65536,
    SECRETS_MAX = 64 /* registered ones */
};

/* The whole of a credentials file; ERR_DENIED with the chmod to type when
 * users other than owner and group may read it, or group may write it. */
int secret_read(const char *path, struct buf *b, struct err *e) MUST_USE;
/* The same time whatever the first difference. */
bool secret_equal(struct slice a, struct slice b);
int secret_random(void *bytes, size_t n, struct err *e) MUST_USE;
/* Overwrite, also where the compiler sees no further use. */
void secret_wipe(void *bytes, size_t n);

/* From now on the log prints *** for this text (6 bytes and more; copied;
 * kept until the process ends).  Any thread. */
int secret_register(struct slice s, struct err *e) MUST_USE;
/* Replace every registered secret in b by *** from byte `from` on; shorter
 * or equal in length, so it cannot fail. */
void secret_redact(struct buf *b, size_t from);

void secret_no_core_dumps(void);

#endif
