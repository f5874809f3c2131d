
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_aws_sigv4_program.h"
#include "ngx_http_aws_sigv4_secret.h"


/* both ends of the pipes and of the socket */
enum {
    NGX_HTTP_AWS_SIGV4_PROGRAM_OUT = 0,
    NGX_HTTP_AWS_SIGV4_PROGRAM_ERR = 2,
    NGX_HTTP_AWS_SIGV4_PROGRAM_SOCKET = 4,
    NGX_HTTP_AWS_SIGV4_PROGRAM_ENDS = 6
};


static ngx_int_t ngx_http_aws_sigv4_program_open(ngx_fd_t *fds);
static ngx_connection_t *ngx_http_aws_sigv4_program_watch(
    ngx_http_aws_sigv4_program_t *g, ngx_fd_t *fd,
    ngx_event_handler_pt handler);
static void ngx_http_aws_sigv4_program_read_output(ngx_event_t *rev);
static void ngx_http_aws_sigv4_program_read_error(ngx_event_t *rev);
static void ngx_http_aws_sigv4_program_read_report(ngx_event_t *rev);
static ngx_int_t ngx_http_aws_sigv4_program_drain_output(
    ngx_http_aws_sigv4_program_t *g);
static void ngx_http_aws_sigv4_program_drain_error(
    ngx_http_aws_sigv4_program_t *g);
static ssize_t ngx_http_aws_sigv4_program_read(ngx_connection_t *c,
    void *buf, size_t size);
static void ngx_http_aws_sigv4_program_close_end(ngx_connection_t **c);
static void ngx_http_aws_sigv4_program_ended(ngx_http_aws_sigv4_program_t *g,
    ngx_http_aws_sigv4_program_report_t *report);
static void ngx_http_aws_sigv4_program_failed(
    ngx_http_aws_sigv4_program_t *g, const char *fmt, ...);
static void ngx_http_aws_sigv4_program_first_line(
    ngx_http_aws_sigv4_program_t *g);


ngx_int_t
ngx_http_aws_sigv4_program_start(ngx_http_aws_sigv4_program_t *g)
{
    ngx_fd_t    fds[NGX_HTTP_AWS_SIGV4_PROGRAM_ENDS];
    ngx_int_t   rc;
    ngx_uint_t  i;

    g->complaint.data = g->first;

    /* one byte more than there may be shows that there is more */

    g->output.data = ngx_http_aws_sigv4_secret_alloc(g->max_size + 1, g->log);

    if (g->output.data == NULL) {
        ngx_http_aws_sigv4_program_failed(g, "there is no memory");
        return NGX_ERROR;
    }

    rc = ngx_http_aws_sigv4_program_open(fds);

    if (rc == NGX_OK) {
        rc = ngx_http_aws_sigv4_program_fork(g,
                                     fds[NGX_HTTP_AWS_SIGV4_PROGRAM_OUT + 1],
                                     fds[NGX_HTTP_AWS_SIGV4_PROGRAM_ERR + 1],
                                  fds[NGX_HTTP_AWS_SIGV4_PROGRAM_SOCKET + 1]);
    }

    if (rc == NGX_OK) {
        g->out = ngx_http_aws_sigv4_program_watch(g,
                                      &fds[NGX_HTTP_AWS_SIGV4_PROGRAM_OUT],
                                      ngx_http_aws_sigv4_program_read_output);
        g->err = ngx_http_aws_sigv4_program_watch(g,
                                      &fds[NGX_HTTP_AWS_SIGV4_PROGRAM_ERR],
                                      ngx_http_aws_sigv4_program_read_error);
        g->parent = ngx_http_aws_sigv4_program_watch(g,
                                      &fds[NGX_HTTP_AWS_SIGV4_PROGRAM_SOCKET],
                                      ngx_http_aws_sigv4_program_read_report);
    }

    for (i = 0; i < NGX_HTTP_AWS_SIGV4_PROGRAM_ENDS; i++) {
        if (fds[i] != NGX_INVALID_FILE) {
            (void) close(fds[i]);
        }
    }

    if (g->out != NULL && g->err != NULL && g->parent != NULL) {
        return NGX_OK;
    }

    ngx_http_aws_sigv4_program_end(g);
    ngx_http_aws_sigv4_program_failed(g, "it could not be started");

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_aws_sigv4_program_open(ngx_fd_t *fds)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_AWS_SIGV4_PROGRAM_ENDS; i++) {
        fds[i] = NGX_INVALID_FILE;
    }

    if (pipe2(&fds[NGX_HTTP_AWS_SIGV4_PROGRAM_OUT], O_CLOEXEC) == -1
        || pipe2(&fds[NGX_HTTP_AWS_SIGV4_PROGRAM_ERR], O_CLOEXEC) == -1
        || socketpair(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0,
                      &fds[NGX_HTTP_AWS_SIGV4_PROGRAM_SOCKET])
           == -1)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* the descriptor becomes that of the connection, which closes it */

static ngx_connection_t *
ngx_http_aws_sigv4_program_watch(ngx_http_aws_sigv4_program_t *g,
    ngx_fd_t *fd, ngx_event_handler_pt handler)
{
    ngx_connection_t  *c;

    if (ngx_nonblocking(*fd) == -1) {
        return NULL;
    }

    c = ngx_get_connection(*fd, g->log);
    if (c == NULL) {
        return NULL;
    }

    *fd = NGX_INVALID_FILE;

    c->data = g;
    c->read->handler = handler;
    c->read->log = g->log;
    c->write->log = g->log;

    if (ngx_handle_read_event(c->read, 0) != NGX_OK) {
        ngx_close_connection(c);
        return NULL;
    }

    return c;
}


void
ngx_http_aws_sigv4_program_end(ngx_http_aws_sigv4_program_t *g)
{
    ngx_http_aws_sigv4_program_close_end(&g->out);
    ngx_http_aws_sigv4_program_close_end(&g->err);
    ngx_http_aws_sigv4_program_close_end(&g->parent);

    ngx_http_aws_sigv4_secret_free(g->output.data);
    ngx_str_null(&g->output);
}


static void
ngx_http_aws_sigv4_program_close_end(ngx_connection_t **c)
{
    if (*c != NULL) {
        ngx_close_connection(*c);
        *c = NULL;
    }
}


static void
ngx_http_aws_sigv4_program_read_output(ngx_event_t *rev)
{
    ngx_connection_t  *c = rev->data;

    ngx_http_aws_sigv4_program_t  *g;

    g = c->data;

    if (ngx_http_aws_sigv4_program_drain_output(g) != NGX_OK) {
        g->handler(g);
    }
}


static void
ngx_http_aws_sigv4_program_read_error(ngx_event_t *rev)
{
    ngx_connection_t  *c = rev->data;

    ngx_http_aws_sigv4_program_drain_error(c->data);
}


static void
ngx_http_aws_sigv4_program_read_report(ngx_event_t *rev)
{
    ssize_t                               n;
    ngx_connection_t                     *c = rev->data;
    ngx_http_aws_sigv4_program_t         *g;
    ngx_http_aws_sigv4_program_report_t   report;

    g = c->data;

    n = ngx_http_aws_sigv4_program_read(c, &report,
                                 sizeof(ngx_http_aws_sigv4_program_report_t));

    if (n == NGX_AGAIN) {
        return;
    }

    if (n != sizeof(ngx_http_aws_sigv4_program_report_t)) {
        ngx_http_aws_sigv4_program_failed(g, "nobody knows how it ended");

    } else if (ngx_http_aws_sigv4_program_drain_output(g) == NGX_OK) {

        /* what it has started may have the pipes open for long */

        ngx_http_aws_sigv4_program_drain_error(g);
        ngx_http_aws_sigv4_program_ended(g, &report);
    }

    g->handler(g);
}


static ngx_int_t
ngx_http_aws_sigv4_program_drain_output(ngx_http_aws_sigv4_program_t *g)
{
    ssize_t  n;

    while (g->out != NULL) {

        n = ngx_http_aws_sigv4_program_read(g->out,
                                            g->output.data + g->output.len,
                                            g->max_size + 1 - g->output.len);
        if (n == NGX_AGAIN) {
            break;
        }

        if (n <= 0) {
            ngx_http_aws_sigv4_program_close_end(&g->out);
            break;
        }

        g->output.len += n;

        if (g->output.len > g->max_size) {
            ngx_http_aws_sigv4_program_failed(g, "it printed more than %uzK",
                                              g->max_size / 1024);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* the begin is kept, the rest is read so that the program does not wait */

static void
ngx_http_aws_sigv4_program_drain_error(ngx_http_aws_sigv4_program_t *g)
{
    size_t      size;
    u_char      buf[NGX_HTTP_AWS_SIGV4_PROGRAM_ERROR];
    ssize_t     n;
    ngx_str_t  *kept;
    ngx_uint_t  i;

    kept = &g->complaint;

    /* it may print for ever: as much as a pipe holds is enough at a time */

    for (i = 0; g->err != NULL && i < NGX_HTTP_AWS_SIGV4_PROGRAM_ERROR; i++) {

        n = ngx_http_aws_sigv4_program_read(g->err, buf, sizeof(buf));

        if (n == NGX_AGAIN) {
            return;
        }

        if (n <= 0) {
            ngx_http_aws_sigv4_program_close_end(&g->err);
            return;
        }

        size = ngx_min((size_t) n,
                       NGX_HTTP_AWS_SIGV4_PROGRAM_ERROR - kept->len);

        ngx_memcpy(kept->data + kept->len, buf, size);
        kept->len += size;
    }

    if (g->err != NULL) {
        ngx_post_event(g->err->read, &ngx_posted_next_events);
    }
}


static ssize_t
ngx_http_aws_sigv4_program_read(ngx_connection_t *c, void *buf, size_t size)
{
    ssize_t  n;

    do {
        n = read(c->fd, buf, size);
    } while (n == -1 && ngx_errno == NGX_EINTR);

    if (n != -1 || ngx_errno != NGX_EAGAIN) {
        return n;
    }

    c->read->ready = 0;

    return ngx_handle_read_event(c->read, 0) == NGX_OK ? NGX_AGAIN
                                                       : NGX_ERROR;
}


static void
ngx_http_aws_sigv4_program_ended(ngx_http_aws_sigv4_program_t *g,
    ngx_http_aws_sigv4_program_report_t *report)
{
    if (report->err != 0) {
        ngx_http_aws_sigv4_program_failed(g, "it could not be started");
        return;
    }

    if (WIFSIGNALED(report->status)) {
        ngx_http_aws_sigv4_program_failed(g, "it was killed by signal %d",
                                          WTERMSIG(report->status));
        return;
    }

    if (WEXITSTATUS(report->status) == 0) {
        return;
    }

    ngx_http_aws_sigv4_program_first_line(g);

    ngx_http_aws_sigv4_program_failed(g, g->complaint.len
                                         ? "it exited with code %d: %V"
                                         : "it exited with code %d",
                                      WEXITSTATUS(report->status),
                                      &g->complaint);
}


static void
ngx_http_aws_sigv4_program_failed(ngx_http_aws_sigv4_program_t *g,
    const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    g->error.data = g->text;
    g->error.len = ngx_vslprintf(g->text,
                                 g->text + NGX_HTTP_AWS_SIGV4_PROGRAM_ERROR,
                                 fmt, args)
                   - g->text;
    va_end(args);
}


static void
ngx_http_aws_sigv4_program_first_line(ngx_http_aws_sigv4_program_t *g)
{
    u_char      *p;
    ngx_str_t   *line;
    ngx_uint_t   i;

    line = &g->complaint;

    while (line->len && (line->data[0] == LF || line->data[0] == CR)) {
        line->data++;
        line->len--;
    }

    p = ngx_strlchr(line->data, line->data + line->len, LF);

    if (p != NULL) {
        line->len = p - line->data;
    }

    if (line->len && line->data[line->len - 1] == CR) {
        line->len--;
    }

    for (i = 0; i < line->len; i++) {
        if (line->data[i] < 0x20 || line->data[i] >= 0x7f) {
            line->data[i] = '?';
        }
    }
}
