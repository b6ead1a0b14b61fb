#include "core/log_int.h"

#include <limits.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

/* sd_journal_sendv() says 0 also when nobody listens. */
bool log_journal_listens(void)
{
    return access("/run/systemd/journal/socket", W_OK) == 0;
}

bool log_journal_send(const struct iovec *entries, size_t n)
{
    return n <= INT_MAX && sd_journal_sendv(entries, (int)n) == 0;
}
