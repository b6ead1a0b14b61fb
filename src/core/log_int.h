/*
 * log_int.h - the door to the journal; apart from log.h since <syslog.h>
 * has macros of the same names as its levels.
 */
#ifndef CORE_LOG_INT_H
#define CORE_LOG_INT_H

#include <sys/uio.h>

#include "core/base.h"

bool log_journal_listens(void);
/* n "KEY=value" entries; false when they did not go out. */
bool log_journal_send(const struct iovec *entries, size_t n);

#endif
