
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_event_connect.h>

#include "ngx_http_aws_sigv4_fetch_parts.h"


static void ngx_http_aws_sigv4_fetch_connected(ngx_event_t *wev);
static ngx_int_t ngx_http_aws_sigv4_fetch_test(ngx_connection_t *c);
static void ngx_http_aws_sigv4_fetch_write(ngx_event_t *wev);
static void ngx_http_aws_sigv4_fetch_read(ngx_event_t *rev);
static ngx_int_t ngx_http_aws_sigv4_fetch_receive(
    ngx_http_aws_sigv4_fetch_t *f);
static void ngx_http_aws_sigv4_fetch_dummy(ngx_event_t *ev);


void
ngx_http_aws_sigv4_fetch_connect(ngx_http_aws_sigv4_fetch_t *f)
{
    ngx_int_t          rc;
    ngx_addr_t        *addr;
    ngx_connection_t  *c;

    f->log->action = "connecting";

    for ( /* void */ ; f->naddr < f->naddrs; f->naddr++) {

        addr = &f->addrs[f->naddr];

        ngx_memzero(&f->peer, sizeof(ngx_peer_connection_t));

        f->peer.sockaddr = addr->sockaddr;
        f->peer.socklen = addr->socklen;
        f->peer.name = &addr->name;
        f->peer.get = ngx_event_get_peer;
        f->peer.log = f->log;

        /* the owner of the fetch has its own line for what has failed */
        f->peer.log_error = NGX_ERROR_INFO;

        rc = ngx_event_connect_peer(&f->peer);

        if (rc != NGX_OK && rc != NGX_AGAIN) {

            /* nginx has logged why */

            f->peer.connection = NULL;

            ngx_http_aws_sigv4_fetch_error(f, 0, "connect() to %V failed",
                                           &addr->name);
            continue;
        }

        c = f->peer.connection;

        c->data = f;
        c->pool = f->pool;
        c->log = f->log;
        c->read->log = f->log;
        c->write->log = f->log;
        c->read->cancelable = 1;
        c->write->cancelable = 1;

        c->read->handler = ngx_http_aws_sigv4_fetch_dummy;
        c->write->handler = ngx_http_aws_sigv4_fetch_connected;

        if (rc == NGX_AGAIN) {
            ngx_add_timer(c->write, f->connect_timeout);

        } else {
            ngx_http_aws_sigv4_fetch_connected(c->write);
        }

        return;
    }

    ngx_http_aws_sigv4_fetch_done(f);
}


void
ngx_http_aws_sigv4_fetch_next(ngx_http_aws_sigv4_fetch_t *f)
{
    ngx_http_aws_sigv4_fetch_close(f);

    f->naddr++;

    ngx_http_aws_sigv4_fetch_connect(f);
}


void
ngx_http_aws_sigv4_fetch_close(ngx_http_aws_sigv4_fetch_t *f)
{
    ngx_connection_t  *c;

    c = f->peer.connection;

    if (c == NULL) {
        return;
    }

#if (NGX_SSL)

    if (c->ssl != NULL) {

        /* nothing is waited for, and nothing is left to be freed later */

        c->ssl->no_wait_shutdown = 1;
        c->ssl->no_send_shutdown = 1;

        (void) ngx_ssl_shutdown(c);
    }

#endif

    ngx_close_connection(c);

    f->peer.connection = NULL;
}


static void
ngx_http_aws_sigv4_fetch_connected(ngx_event_t *wev)
{
    ngx_err_t                    err;
    ngx_connection_t            *c;
    ngx_http_aws_sigv4_fetch_t  *f;

    c = wev->data;
    f = c->data;

    if (wev->timedout) {
        ngx_http_aws_sigv4_fetch_error(f, 0, "connect() to %V timed out",
                                       f->peer.name);
        ngx_http_aws_sigv4_fetch_next(f);
        return;
    }

    err = ngx_http_aws_sigv4_fetch_test(c);

    if (err) {
        ngx_http_aws_sigv4_fetch_error(f, err, "connect() to %V failed",
                                       f->peer.name);
        ngx_http_aws_sigv4_fetch_next(f);
        return;
    }

    if (f->origin->tls) {
        ngx_http_aws_sigv4_fetch_handshake(f);
        return;
    }

    ngx_http_aws_sigv4_fetch_send(f);
}


/* what has become of connect(), 0 if all is well */

static ngx_int_t
ngx_http_aws_sigv4_fetch_test(ngx_connection_t *c)
{
    int        err;
    socklen_t  len;

#if (NGX_HAVE_KQUEUE)

    if (ngx_event_flags & NGX_USE_KQUEUE_EVENT) {

        if (c->write->pending_eof) {
            return c->write->kq_errno;
        }

        return c->read->pending_eof ? c->read->kq_errno : 0;
    }

#endif

    err = 0;
    len = sizeof(int);

    /* BSDs and Linux return 0 and set the error, Solaris returns -1 */

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, (void *) &err, &len) == -1) {
        err = ngx_socket_errno;
    }

    return err;
}


void
ngx_http_aws_sigv4_fetch_send(ngx_http_aws_sigv4_fetch_t *f)
{
    u_char            *buffer;
    size_t             size;
    ngx_connection_t  *c;

    c = f->peer.connection;

    size = SIGV4_HTTP_HEAD_MAX + f->max_size;

    buffer = f->http.start ? f->http.start
                           : ngx_http_aws_sigv4_fetch_alloc(f, size);
    if (buffer == NULL) {
        ngx_http_aws_sigv4_fetch_error(f, 0, "there is no memory");
        ngx_http_aws_sigv4_fetch_done(f);
        return;
    }

    sigv4_http_init(&f->http, buffer, size);

    f->request.pos = f->request.start;
    f->log->action = "sending the request";

    c->read->handler = ngx_http_aws_sigv4_fetch_read;
    c->write->handler = ngx_http_aws_sigv4_fetch_write;

    ngx_add_timer(c->write, f->send_timeout);

    ngx_http_aws_sigv4_fetch_write(c->write);
}


static void
ngx_http_aws_sigv4_fetch_write(ngx_event_t *wev)
{
    ssize_t                      n;
    ngx_connection_t            *c;
    ngx_http_aws_sigv4_fetch_t  *f;

    c = wev->data;
    f = c->data;

    if (wev->timedout) {
        ngx_http_aws_sigv4_fetch_error(f, 0, "%V timed out while the request "
                                       "was sent", f->peer.name);
        ngx_http_aws_sigv4_fetch_next(f);
        return;
    }

    while (f->request.pos < f->request.last) {

        n = c->send(c, f->request.pos, f->request.last - f->request.pos);

        if (n == NGX_AGAIN) {
            ngx_add_timer(wev, f->send_timeout);

            if (ngx_handle_write_event(wev, 0) != NGX_OK) {
                goto failed;
            }

            return;
        }

        if (n <= 0) {
            goto failed;
        }

        f->request.pos += n;
    }

    f->log->action = "reading the response";

    wev->handler = ngx_http_aws_sigv4_fetch_dummy;

    if (wev->timer_set) {
        ngx_del_timer(wev);
    }

    if (ngx_handle_write_event(wev, 0) != NGX_OK) {
        goto failed;
    }

    ngx_add_timer(c->read, f->read_timeout);

    /* the answer may have come before all of the request was sent */

    if (c->read->ready) {
        ngx_http_aws_sigv4_fetch_read(c->read);
    }

    return;

failed:

    ngx_http_aws_sigv4_fetch_error(f, 0, "the request could not be sent to "
                                   "%V", f->peer.name);
    ngx_http_aws_sigv4_fetch_next(f);
}


static void
ngx_http_aws_sigv4_fetch_read(ngx_event_t *rev)
{
    ngx_int_t                    rc;
    ngx_connection_t            *c;
    ngx_http_aws_sigv4_fetch_t  *f;

    c = rev->data;
    f = c->data;

    if (rev->timedout) {
        ngx_http_aws_sigv4_fetch_error(f, 0, "%V timed out while the response "
                                       "was read", f->peer.name);
        rc = NGX_ERROR;

    } else {
        rc = ngx_http_aws_sigv4_fetch_receive(f);
    }

    if (rc == NGX_AGAIN) {

        if (f->request.pos == f->request.last) {
            ngx_add_timer(rev, f->read_timeout);
        }

        if (ngx_handle_read_event(rev, 0) == NGX_OK) {
            return;
        }

        ngx_http_aws_sigv4_fetch_error(f, 0, "events of the connection are "
                                       "lost");
        rc = NGX_ERROR;
    }

    /* an address that has said anything is the one that counts */

    if (rc == NGX_ERROR
        && f->http.last == f->http.start
        && f->http.overhead == 0)
    {
        ngx_http_aws_sigv4_fetch_next(f);
        return;
    }

    if (rc == NGX_OK) {
        /* another address may have failed before */

        ngx_str_null(&f->error);

        f->status = f->http.status;
        f->response.data = (u_char *) f->http.body.data;
        f->response.len = f->http.body.len;
    }

    ngx_http_aws_sigv4_fetch_done(f);
}


/* NGX_OK: the response is complete; NGX_ERROR: f->error is set */

static ngx_int_t
ngx_http_aws_sigv4_fetch_receive(ngx_http_aws_sigv4_fetch_t *f)
{
    int                rc;
    ssize_t            n;
    ngx_err_t          err;
    ngx_connection_t  *c;

    c = f->peer.connection;

    do {
        n = c->recv(c, f->http.last, f->http.end - f->http.last);

        if (n == NGX_AGAIN) {
            return NGX_AGAIN;
        }

        if (n < 0) {
            err = f->origin->tls ? 0 : ngx_socket_errno;

            ngx_http_aws_sigv4_fetch_error(f, err, "recv() from %V failed",
                                           f->peer.name);
            return NGX_ERROR;
        }

        rc = n ? sigv4_http_read(&f->http, n) : sigv4_http_eof(&f->http);

    } while (rc == SIGV4_HTTP_AGAIN);

    if (rc != SIGV4_OK) {
        ngx_http_aws_sigv4_fetch_error(f, 0, "%s", f->http.error);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_http_aws_sigv4_fetch_dummy(ngx_event_t *ev)
{
    ngx_log_debug0(NGX_LOG_DEBUG_EVENT, ev->log, 0,
                   "aws sigv4: fetch dummy handler");
}
