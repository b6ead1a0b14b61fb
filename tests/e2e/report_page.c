/* report_page FILE - the page of a made-up report, for the browser test. */
#include <stdio.h>

#include "core/fs.h"
#include "report_sample.h"

int main(int argc, char **argv)
{
    struct report_sample s;
    struct buf b;
    struct err e = {0};
    int rc = -1;

    if (argc != 2) {
        return 2;
    }
    buf_init(&b, 16 << 20);
    if (report_sample_make(&s, &e) == 0 &&
        report_html(&s.report, &b, &e) == 0) {
        rc = fs_publish(argv[1], buf_slice(&b), &e);
    }
    report_sample_release(&s);
    buf_release(&b);
    if (rc < 0) {
        (void)fprintf(stderr, "report_page: %s\n", e.msg);
    }
    return rc < 0 ? 1 : 0;
}
