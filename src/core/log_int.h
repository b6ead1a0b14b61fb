/*
 * log_int.h - the door to the journal, whose datagrams are made here (the
 * native protocol of systemd-journald): its library would be nine more to
 * load at every start.
 */
#ifndef CORE_LOG_INT_H
#define CORE_LOG_INT_H

#include <sys/uio.h>

#include "core/buf.h"

bool log_journal_listens(void);
/* n "KEY=value" entries; false when they did not go out. */
bool log_journal_send(const struct iovec *entries, size_t n);
/* Append the bytes of the datagram for n entries; an entry without "=" is
 * ERR_INVALID. */
int log_journal_pack(struct buf *b, const struct iovec *entries, size_t n,
                     struct err *e) MUST_USE;

#endif
