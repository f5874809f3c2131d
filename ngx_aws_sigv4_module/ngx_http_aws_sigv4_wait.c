
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "ngx_http_aws_sigv4_module.h"
#include "providers/ngx_http_aws_sigv4_provider.h"
#include "ngx_http_aws_sigv4_refresh.h"
#include "ngx_http_aws_sigv4_wait.h"


/* how often it is looked at what other workers have fetched, milliseconds */
#define NGX_HTTP_AWS_SIGV4_WAIT_TICK      50

/* in each worker */
#define NGX_HTTP_AWS_SIGV4_WAITERS        10000


static void ngx_http_aws_sigv4_wait_tick(ngx_event_t *ev);
static void ngx_http_aws_sigv4_wait_sort(ngx_queue_t *ready);
static void ngx_http_aws_sigv4_wait_arm(void);
static void ngx_http_aws_sigv4_wait_resume(void *data, ngx_int_t rc);
static void ngx_http_aws_sigv4_wait_cleanup(void *data);


static ngx_queue_t  ngx_http_aws_sigv4_waiters;
static ngx_uint_t   ngx_http_aws_sigv4_nwaiters;
static ngx_event_t  ngx_http_aws_sigv4_tick;

static ngx_connection_t  ngx_http_aws_sigv4_no_connection;


ngx_int_t
ngx_http_aws_sigv4_wait(ngx_http_aws_sigv4_waiter_t *waiter,
    ngx_http_aws_sigv4_provider_t *provider, ngx_msec_t timeout)
{
    ngx_http_aws_sigv4_provider_t  *leaf;

    leaf = provider->source ? provider->source : provider;

    if (leaf->remote == NULL
        || ngx_http_aws_sigv4_nwaiters == NGX_HTTP_AWS_SIGV4_WAITERS)
    {
        return NGX_DECLINED;
    }

    waiter->provider = provider;
    waiter->deadline = ngx_current_msec + timeout;

    if (ngx_http_aws_sigv4_refresh_hopeless(leaf, waiter->deadline)) {
        return NGX_DECLINED;
    }

    if (ngx_http_aws_sigv4_waiters.next == NULL) {
        ngx_queue_init(&ngx_http_aws_sigv4_waiters);
    }

    ngx_queue_insert_tail(&ngx_http_aws_sigv4_waiters, &waiter->queue);
    ngx_http_aws_sigv4_nwaiters++;

    waiter->waiting = 1;

    ngx_http_aws_sigv4_wait_arm();

    return NGX_AGAIN;
}


void
ngx_http_aws_sigv4_wait_cancel(ngx_http_aws_sigv4_waiter_t *waiter)
{
    if (waiter->waiting) {
        waiter->waiting = 0;

        ngx_queue_remove(&waiter->queue);
        ngx_http_aws_sigv4_nwaiters--;
    }
}


void
ngx_http_aws_sigv4_wake(void)
{
    if (ngx_http_aws_sigv4_nwaiters) {
        ngx_post_event(&ngx_http_aws_sigv4_tick, &ngx_posted_events);
    }
}


static void
ngx_http_aws_sigv4_wait_arm(void)
{
    ngx_event_t  *tick;

    tick = &ngx_http_aws_sigv4_tick;

    if (tick->timer_set) {
        return;
    }

    tick->handler = ngx_http_aws_sigv4_wait_tick;
    tick->log = ngx_cycle->log;

    /* the debug log looks for a descriptor in what data points to */
    tick->data = &ngx_http_aws_sigv4_no_connection;

    ngx_add_timer(tick, NGX_HTTP_AWS_SIGV4_WAIT_TICK);
}


static void
ngx_http_aws_sigv4_wait_tick(ngx_event_t *ev)
{
    ngx_queue_t                  *q, ready;
    ngx_http_aws_sigv4_waiter_t  *w;

    if (ev->timer_set) {
        ngx_del_timer(ev);
    }

    ngx_queue_init(&ready);

    ngx_http_aws_sigv4_wait_sort(&ready);

    /* a handler may cancel others, which leave the queue they are in */

    while (!ngx_queue_empty(&ready)) {
        q = ngx_queue_head(&ready);
        w = ngx_queue_data(q, ngx_http_aws_sigv4_waiter_t, queue);

        ngx_http_aws_sigv4_wait_cancel(w);

        w->handler(w->data, w->rc);
    }

    if (ngx_http_aws_sigv4_nwaiters) {
        ngx_http_aws_sigv4_wait_arm();
    }
}


static void
ngx_http_aws_sigv4_wait_sort(ngx_queue_t *ready)
{
    ngx_queue_t                    *q, *next;
    ngx_http_aws_sigv4_waiter_t    *w;
    ngx_http_aws_sigv4_provider_t  *leaf, *last;

    last = NULL;

    for (q = ngx_queue_head(&ngx_http_aws_sigv4_waiters);
         q != ngx_queue_sentinel(&ngx_http_aws_sigv4_waiters);
         q = next)
    {
        next = ngx_queue_next(q);

        w = ngx_queue_data(q, ngx_http_aws_sigv4_waiter_t, queue);

        leaf = w->provider->source ? w->provider->source : w->provider;

        if (leaf != last) {
            ngx_http_aws_sigv4_refresh_check(leaf);
            last = leaf;
        }

        if (ngx_http_aws_sigv4_credentials_usable(leaf->credentials)) {
            w->rc = NGX_OK;

        } else if ((ngx_msec_int_t) (w->deadline - ngx_current_msec) <= 0
                   || ngx_http_aws_sigv4_refresh_hopeless(leaf, w->deadline))
        {
            w->rc = NGX_DECLINED;

        } else {
            continue;
        }

        ngx_queue_remove(q);
        ngx_queue_insert_tail(ready, q);
    }
}


ngx_int_t
ngx_http_aws_sigv4_wait_request(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx)
{
    ngx_http_cleanup_t           *cln;
    ngx_http_aws_sigv4_waiter_t  *w;

    if (ctx->waited) {
        ngx_http_aws_sigv4_credentials_missing(ctx->provider,
                                               r->connection->log);
        return NGX_DECLINED;
    }

    ctx->waited = 1;

    cln = ngx_http_cleanup_add(r, sizeof(ngx_http_aws_sigv4_waiter_t));
    if (cln == NULL) {
        return NGX_ERROR;
    }

    w = cln->data;
    ngx_memzero(w, sizeof(ngx_http_aws_sigv4_waiter_t));

    w->handler = ngx_http_aws_sigv4_wait_resume;
    w->data = r;

    if (ngx_http_aws_sigv4_wait(w, ctx->provider,
                                ctx->conf->credentials_timeout)
        != NGX_AGAIN)
    {
        ngx_http_aws_sigv4_credentials_missing(ctx->provider,
                                               r->connection->log);
        return NGX_DECLINED;
    }

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "aws sigv4 waits for credentials of provider \"%V\"",
                   &ctx->provider->name);

    cln->handler = ngx_http_aws_sigv4_wait_cleanup;

    r->main->count++;

    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_request_empty_handler;

    return NGX_AGAIN;
}


static void
ngx_http_aws_sigv4_wait_resume(void *data, ngx_int_t rc)
{
    ngx_http_request_t *r = data;

    ngx_connection_t          *c;
    ngx_http_aws_sigv4_ctx_t  *ctx;

    c = r->connection;
    ctx = ngx_http_get_module_ctx(r, ngx_http_aws_sigv4_module);

    ngx_http_set_log_request(c->log, r);

    r->read_event_handler = ngx_http_block_reading;

    ctx->resume(r);

    ngx_http_run_posted_requests(c);
}


static void
ngx_http_aws_sigv4_wait_cleanup(void *data)
{
    ngx_http_aws_sigv4_wait_cancel(data);
}
