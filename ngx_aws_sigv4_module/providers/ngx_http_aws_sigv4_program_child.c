
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * What runs in the child that waits, and in the program before execve().
 * The worker may have threads, so only what signal(7) allows a handler is
 * called there, and nothing is allocated.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <poll.h>
#include <sys/syscall.h>

#include "ngx_http_aws_sigv4_program.h"


/* where the descriptors go: 0 is /dev/null */
#define NGX_HTTP_AWS_SIGV4_PROGRAM_PARENT  3
#define NGX_HTTP_AWS_SIGV4_PROGRAM_FDS     4

/* as a shell has it for what cannot be run */
#define NGX_HTTP_AWS_SIGV4_PROGRAM_FAILED  127


static void ngx_http_aws_sigv4_program_child(
    ngx_http_aws_sigv4_program_t *g, ngx_fd_t out, ngx_fd_t err,
    ngx_fd_t parent);
static void ngx_http_aws_sigv4_program_signals(void);
static void ngx_http_aws_sigv4_program_descriptors(ngx_fd_t out,
    ngx_fd_t err, ngx_fd_t parent);
static void ngx_http_aws_sigv4_program_close(void);
static void ngx_http_aws_sigv4_program_exec(
    ngx_http_aws_sigv4_program_t *g);
static void ngx_http_aws_sigv4_program_wait(pid_t pid);
static void ngx_http_aws_sigv4_program_child_ended(int signo);


ngx_int_t
ngx_http_aws_sigv4_program_fork(ngx_http_aws_sigv4_program_t *g,
    ngx_fd_t out, ngx_fd_t err, ngx_fd_t parent)
{
    pid_t     pid;
    sigset_t  all, old;

    /* until the child has its own, it must run no handler of nginx */

    sigfillset(&all);

    if (sigprocmask(SIG_BLOCK, &all, &old) == -1) {
        return NGX_ERROR;
    }

    pid = fork();

    if (pid == 0) {
        ngx_http_aws_sigv4_program_child(g, out, err, parent);
    }

    (void) sigprocmask(SIG_SETMASK, &old, NULL);

    return pid == -1 ? NGX_ERROR : NGX_OK;
}


static void
ngx_http_aws_sigv4_program_child(ngx_http_aws_sigv4_program_t *g,
    ngx_fd_t out, ngx_fd_t err, ngx_fd_t parent)
{
    pid_t                                pid;
    ngx_http_aws_sigv4_program_report_t  report;

    /* what a terminal sends is for nginx */

    (void) setsid();

    ngx_http_aws_sigv4_program_signals();
    ngx_http_aws_sigv4_program_descriptors(out, err, parent);

    pid = fork();

    if (pid == 0) {
        ngx_http_aws_sigv4_program_exec(g);
    }

    if (pid == -1) {
        report.status = 0;
        report.err = ngx_errno;

        (void) !write(NGX_HTTP_AWS_SIGV4_PROGRAM_PARENT, &report,
                      sizeof(ngx_http_aws_sigv4_program_report_t));
        _exit(0);
    }

    /* the program is to be killed with what it starts */

    (void) setpgid(pid, pid);

    (void) close(STDIN_FILENO);
    (void) close(STDOUT_FILENO);
    (void) close(STDERR_FILENO);

    ngx_http_aws_sigv4_program_wait(pid);

    /* nginx would call any other end of a child an alert */

    _exit(0);
}


static void
ngx_http_aws_sigv4_program_signals(void)
{
    int               signo;
    struct sigaction  sa;

    ngx_memzero(&sa, sizeof(struct sigaction));
    sigemptyset(&sa.sa_mask);

    sa.sa_handler = SIG_DFL;

    for (signo = 1; signo < NSIG; signo++) {
        (void) sigaction(signo, &sa, NULL);
    }

    sa.sa_handler = ngx_http_aws_sigv4_program_child_ended;

    (void) sigaction(SIGCHLD, &sa, NULL);
}


static void
ngx_http_aws_sigv4_program_descriptors(ngx_fd_t out, ngx_fd_t err,
    ngx_fd_t parent)
{
    int  null;

    /* none may be where another one has to go */

    null = open("/dev/null", O_RDWR);

    null = fcntl(null, F_DUPFD, NGX_HTTP_AWS_SIGV4_PROGRAM_FDS);
    out = fcntl(out, F_DUPFD, NGX_HTTP_AWS_SIGV4_PROGRAM_FDS);
    err = fcntl(err, F_DUPFD, NGX_HTTP_AWS_SIGV4_PROGRAM_FDS);
    parent = fcntl(parent, F_DUPFD, NGX_HTTP_AWS_SIGV4_PROGRAM_FDS);

    if (null == -1 || out == -1 || err == -1 || parent == -1
        || dup2(null, STDIN_FILENO) == -1
        || dup2(out, STDOUT_FILENO) == -1
        || dup2(err, STDERR_FILENO) == -1
        || dup2(parent, NGX_HTTP_AWS_SIGV4_PROGRAM_PARENT) == -1)
    {
        _exit(0);
    }

    ngx_http_aws_sigv4_program_close();
}


static void
ngx_http_aws_sigv4_program_close(void)
{
    ngx_fd_t       fd;
    struct rlimit  limit;

#ifdef SYS_close_range

    if (syscall(SYS_close_range, NGX_HTTP_AWS_SIGV4_PROGRAM_FDS, ~0U, 0)
        == 0)
    {
        return;
    }

#endif

    if (getrlimit(RLIMIT_NOFILE, &limit) == -1) {
        _exit(0);
    }

    for (fd = NGX_HTTP_AWS_SIGV4_PROGRAM_FDS;
         (rlim_t) fd < limit.rlim_cur;
         fd++)
    {
        (void) close(fd);
    }
}


static void
ngx_http_aws_sigv4_program_exec(ngx_http_aws_sigv4_program_t *g)
{
    sigset_t          none;
    ngx_err_t         err;
    const char       *text;
    struct sigaction  sa;

    (void) close(NGX_HTTP_AWS_SIGV4_PROGRAM_PARENT);
    (void) setpgid(0, 0);

    ngx_memzero(&sa, sizeof(struct sigaction));
    sigemptyset(&sa.sa_mask);
    sa.sa_handler = SIG_DFL;

    (void) sigaction(SIGCHLD, &sa, NULL);

    sigemptyset(&none);
    (void) sigprocmask(SIG_SETMASK, &none, NULL);

    (void) execve(g->argv[0], g->argv, g->env);

    err = ngx_errno;

    text = err == NGX_ENOENT ? "there is no such program\n"
           : err == NGX_EACCES ? "it may not be executed\n"
           : "it cannot be executed\n";

    (void) !write(STDERR_FILENO, text, ngx_strlen(text));

    _exit(NGX_HTTP_AWS_SIGV4_PROGRAM_FAILED);
}


static void
ngx_http_aws_sigv4_program_wait(pid_t pid)
{
    sigset_t                             mask;
    struct pollfd                        pfd;
    ngx_http_aws_sigv4_program_report_t  report;

    report.err = 0;

    sigfillset(&mask);
    sigdelset(&mask, SIGCHLD);

    pfd.fd = NGX_HTTP_AWS_SIGV4_PROGRAM_PARENT;
    pfd.events = POLLIN;

    /* SIGCHLD comes nowhere but in ppoll(), so that none is missed */

    while (waitpid(pid, &report.status, WNOHANG) == 0) {

        if (ppoll(&pfd, 1, NULL, &mask) > 0) {
            (void) kill(-pid, SIGKILL);
            (void) kill(pid, SIGKILL);
            (void) waitpid(pid, NULL, 0);
            return;
        }
    }

    (void) !write(NGX_HTTP_AWS_SIGV4_PROGRAM_PARENT, &report,
                  sizeof(ngx_http_aws_sigv4_program_report_t));
}


static void
ngx_http_aws_sigv4_program_child_ended(int signo)
{
    /* it interrupts ppoll() */
}
