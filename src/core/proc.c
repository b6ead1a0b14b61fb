#include "core/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/fs.h"
#include "core/num.h"
#include "core/stop.h"
#include "core/thread.h"

extern char **environ;

enum {
    CHUNK = 65536,
    POLL_MS = 50,
    GRACE_US = 2000000 /* between SIGTERM and SIGKILL */
};

struct child {
    pid_t pid;
    int fds[3]; /* our ends of stdin, stdout, stderr; -1: closed */
};

/* Without pipe2() another thread's child could inherit our ends between
 * pipe() and fcntl(): one child is made at a time. */
static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;

static void close_end(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
        *fd = -1;
    }
}

static int make_pipes(int theirs[3], int ours[3], struct err *e)
{
    for (int i = 0; i < 3; i++) {
        int p[2];

        if (pipe(p) != 0) {
            return err_set(e, ERR_IO, "could not make a pipe: %s",
                           strerror(errno));
        }
        (void)fcntl(p[0], F_SETFD, FD_CLOEXEC);
        (void)fcntl(p[1], F_SETFD, FD_CLOEXEC);
        theirs[i] = i == 0 ? p[0] : p[1];
        ours[i] = i == 0 ? p[1] : p[0];
        (void)fcntl(ours[i], F_SETFL, O_NONBLOCK);
    }
    return 0;
}

static int spawn(struct child *c, const char *const *argv, const int theirs[3])
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none;
    sigset_t usual;
    char *args[256];
    size_t n = 0;
    int rc;

    for (; argv[n] != NULL; n++) {
        if (n + 1 == ARRAY_LEN(args)) {
            return E2BIG;
        }
        /* posix_spawn() promises not to change them */
        memcpy(&args[n], &argv[n], sizeof(char *));
    }
    if (n == 0) {
        return EINVAL;
    }
    args[n] = NULL;
    (void)posix_spawn_file_actions_init(&files);
    (void)posix_spawnattr_init(&attr);
    for (int i = 0; i < 3; i++) {
        (void)posix_spawn_file_actions_adddup2(&files, theirs[i], i);
    }
    (void)sigemptyset(&none);
    (void)sigfillset(&usual);
    (void)posix_spawnattr_setsigmask(&attr, &none);
    (void)posix_spawnattr_setsigdefault(&attr, &usual);
    (void)posix_spawnattr_setpgroup(&attr, 0);
    (void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETSIGDEF |
                                              POSIX_SPAWN_SETPGROUP);
    rc = posix_spawnp(&c->pid, args[0], &files, &attr, args, environ);
    (void)posix_spawnattr_destroy(&attr);
    (void)posix_spawn_file_actions_destroy(&files);
    return rc;
}

static int start(struct child *c, const char *const *argv, struct err *e)
{
    int theirs[3] = {-1, -1, -1};
    int rc;

    *c = (struct child){.pid = -1, .fds = {-1, -1, -1}};
    (void)pthread_mutex_lock(&making);
    rc = make_pipes(theirs, c->fds, e);
    if (rc == 0) {
        rc = spawn(c, argv, theirs);
        if (rc != 0) {
            rc = err_set(e, rc == ENOENT ? ERR_NOTFOUND : ERR_IO,
                         "could not run \"%s\": %s", argv[0], strerror(rc));
        }
    }
    for (int i = 0; i < 3; i++) {
        close_end(&theirs[i]);
        if (rc != 0) {
            close_end(&c->fds[i]);
        }
    }
    (void)pthread_mutex_unlock(&making);
    return rc;
}

static void feed(struct child *c, struct slice *input)
{
    ssize_t n = write(c->fds[0], input->ptr, input->len);

    if (n > 0) {
        *input = slice_from(*input, (size_t)n);
    } else if (n < 0 && errno != EAGAIN && errno != EINTR) {
        input->len = 0; /* it does not want more */
    }
    if (input->len == 0) {
        close_end(&c->fds[0]);
    }
}

static int drain(int *fd, struct buf *b, int log_fd, struct err *e)
{
    char chunk[CHUNK];
    ssize_t n = read(*fd, chunk, sizeof(chunk));

    if (n > 0 && log_fd > 0) {
        return fs_write_all(log_fd, (struct slice){chunk, (size_t)n},
                            "log of a program", e);
    }
    if (n > 0) {
        return b != NULL ? buf_append(b, (struct slice){chunk, (size_t)n}, e)
                         : 0;
    }
    if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        close_end(fd);
    }
    return 0;
}

static int pump(struct child *c, const struct proc *to, struct slice *input,
                struct err *e)
{
    struct buf *const bufs[2] = {to->out, to->err};
    struct pollfd p[3];

    for (int i = 0; i < 3; i++) {
        p[i] = (struct pollfd){.fd = c->fds[i],
                               .events = i == 0 ? POLLOUT : POLLIN};
    }
    if (poll(p, 3, POLL_MS) <= 0) {
        return 0;
    }
    if (p[0].revents != 0) {
        feed(c, input);
    }
    for (int i = 1; i < 3; i++) {
        if (p[i].revents != 0 &&
            drain(&c->fds[i], bufs[i - 1], to->log_fd, e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int reap(pid_t pid, int flags, int *status)
{
    int rc;

    do {
        rc = (int)waitpid(pid, status, flags);
    } while (rc < 0 && errno == EINTR);
    return rc;
}

/* End it and all it started: politely, then for certain. */
static void end_child(const struct child *c)
{
    int64_t until = clock_mono_us() + GRACE_US;
    int status;

    (void)kill(-c->pid, SIGTERM);
    while (clock_mono_us() < until) {
        if (reap(c->pid, WNOHANG, &status) != 0) {
            (void)kill(-c->pid, SIGKILL);
            return;
        }
        clock_sleep_us(10000);
    }
    (void)kill(-c->pid, SIGKILL);
    (void)reap(c->pid, 0, &status);
}

static int talk(struct child *c, struct proc *p, struct err *e)
{
    struct slice input = p->input;
    int64_t until = p->timeout_us > 0 ? clock_mono_us() + p->timeout_us : 0;
    int status = 0;

    while (c->fds[1] >= 0 || c->fds[2] >= 0) {
        if (pump(c, p, &input, e) < 0) {
            end_child(c);
            return -1;
        }
        if (stop_asked() || (p->give_up != NULL && p->give_up(p->arg))) {
            end_child(c);
            return err_set(e, ERR_INTERRUPTED, "interrupted");
        }
        if (until > 0 && clock_mono_us() >= until) {
            end_child(c);
            p->timed_out = true;
            p->status = 128 + SIGKILL;
            return 0;
        }
    }
    (void)reap(c->pid, 0, &status);
    p->timed_out = false;
    p->status =
        WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return 0;
}

int proc_run(struct proc *p, struct err *e)
{
    struct child c;
    int rc;

    if (start(&c, p->argv, e) < 0) {
        return -1;
    }
    if (p->input.len == 0) {
        close_end(&c.fds[0]);
    }
    rc = talk(&c, p, e);
    for (int i = 0; i < 3; i++) {
        close_end(&c.fds[i]);
    }
    return rc;
}

int64_t proc_peak_rss(void)
{
    struct rusage u;

    return getrusage(RUSAGE_SELF, &u) == 0 ? (int64_t)u.ru_maxrss * 1024 : 0;
}

int64_t proc_rss(void)
{
    struct buf b;
    int64_t pages = 0;

    buf_init(&b, 4096);
    if (fs_read("/proc/self/statm", &b, NULL) == 0) {
        struct slice rest = buf_slice(&b);
        struct slice field;

        (void)slice_cut(&rest, ' ', &field);
        (void)slice_cut(&rest, ' ', &field);
        if (!num_i64(field, &pages)) {
            pages = 0;
        }
    }
    buf_release(&b);
    return pages * (int64_t)sysconf(_SC_PAGESIZE);
}

int64_t proc_cpu_us(void)
{
    struct rusage u;

    if (getrusage(RUSAGE_SELF, &u) != 0) {
        return 0;
    }
    return ((int64_t)u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 +
           u.ru_utime.tv_usec + u.ru_stime.tv_usec;
}

int proc_open_files(void)
{
    DIR *d = opendir("/proc/self/fd");
    int n = -3; /* ".", ".." and the folder itself */

    if (d == NULL) {
        return -1;
    }
    while (readdir(d) != NULL) {
        n++;
    }
    (void)closedir(d);
    return n;
}
