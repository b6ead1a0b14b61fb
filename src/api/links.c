#include "api/links.h"

#include <string.h>

int links_segment(struct buf *b, const char *text)
{
    static const char plain[] = "-._~!$&'()*+,;=:@";

    for (const char *p = text; *p != '\0'; p++) {
        bool safe = (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') ||
                    (*p >= 'A' && *p <= 'Z') || strchr(plain, *p) != NULL;

        if ((safe ? buf_putc(b, *p, NULL)
                  : buf_putf(b, NULL, "%%%02X", (unsigned)(unsigned char)*p)) !=
            0) {
            return -1;
        }
    }
    return 0;
}

int links_base(struct api *a, struct http_request *r, const char *mark,
               struct buf *b)
{
    struct slice host = SLICE("localhost");
    size_t n = r->path.len;

    while (n > 0 && !slice_starts(slice_from(r->path, n - 1), slice_of(mark))) {
        n--;
    }
    (void)server_header(r, "Host", &host);
    return buf_putf(
        b, NULL, "%s://%.*s%.*s%s", a->conf.tls_cert != NULL ? "https" : "http",
        SLICE_FMT(host), (int)(n > 0 ? n - 1 : 0), r->path.ptr, mark);
}
