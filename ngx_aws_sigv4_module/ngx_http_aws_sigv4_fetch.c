
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_aws_sigv4_fetch_parts.h"
#include "ngx_http_aws_sigv4_secret.h"


/* of a name, the most that are tried */
#define NGX_HTTP_AWS_SIGV4_ADDRS          8


static void ngx_http_aws_sigv4_fetch_begin(ngx_event_t *ev);
static void ngx_http_aws_sigv4_fetch_deadline(ngx_event_t *ev);
static void ngx_http_aws_sigv4_fetch_resolve(ngx_http_aws_sigv4_fetch_t *f);
static void ngx_http_aws_sigv4_fetch_resolved(ngx_resolver_ctx_t *ctx);
static ngx_int_t ngx_http_aws_sigv4_fetch_addrs(
    ngx_http_aws_sigv4_fetch_t *f, ngx_resolver_ctx_t *ctx);
static void ngx_http_aws_sigv4_fetch_stop(ngx_http_aws_sigv4_fetch_t *f);
static u_char *ngx_http_aws_sigv4_fetch_log(ngx_log_t *log, u_char *buf,
    size_t len);


/* those that run, of this worker */
static ngx_queue_t  ngx_http_aws_sigv4_fetches;
static ngx_uint_t   ngx_http_aws_sigv4_fetch_exiting;


ngx_http_aws_sigv4_fetch_t *
ngx_http_aws_sigv4_fetch_create(ngx_log_t *log)
{
    ngx_pool_t                  *pool;
    ngx_http_aws_sigv4_fetch_t  *f;

    if (ngx_http_aws_sigv4_fetch_exiting) {
        return NULL;
    }

    pool = ngx_create_pool(2048, log);
    if (pool == NULL) {
        return NULL;
    }

    f = ngx_pcalloc(pool, sizeof(ngx_http_aws_sigv4_fetch_t));
    if (f == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    f->log = ngx_palloc(pool, sizeof(ngx_log_t));
    if (f->log == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    *f->log = *log;
    f->log->handler = ngx_http_aws_sigv4_fetch_log;
    f->log->data = f;
    f->log->action = "starting";

    pool->log = f->log;
    f->pool = pool;

    ngx_str_set(&f->method, "GET");

    f->connect_timeout = 1000;
    f->send_timeout = 2000;
    f->read_timeout = 2000;
    f->timeout = 5000;
    f->max_size = 65536;

    f->event.handler = ngx_http_aws_sigv4_fetch_begin;
    f->event.data = f;
    f->event.log = f->log;
    f->event.cancelable = 1;

    return f;
}


void *
ngx_http_aws_sigv4_fetch_alloc(ngx_http_aws_sigv4_fetch_t *f, size_t size)
{
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(f->pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    cln->data = ngx_http_aws_sigv4_secret_alloc(size, f->log);
    if (cln->data == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_aws_sigv4_secret_free;

    return cln->data;
}


void
ngx_http_aws_sigv4_fetch_start(ngx_http_aws_sigv4_fetch_t *f)
{
    if (ngx_http_aws_sigv4_fetches.next == NULL) {
        ngx_queue_init(&ngx_http_aws_sigv4_fetches);
    }

    ngx_queue_insert_tail(&ngx_http_aws_sigv4_fetches, &f->queue);

    /* the others are not looked at before something else has happened */

    ngx_post_event(&f->event, &ngx_posted_next_events);
}


void
ngx_http_aws_sigv4_fetch_abort(ngx_http_aws_sigv4_fetch_t *f)
{
    ngx_http_aws_sigv4_fetch_stop(f);

    ngx_destroy_pool(f->pool);
}


void
ngx_http_aws_sigv4_fetch_exit(void)
{
    ngx_queue_t                 *q;
    ngx_http_aws_sigv4_fetch_t  *f;

    ngx_http_aws_sigv4_fetch_exiting = 1;

    if (ngx_http_aws_sigv4_fetches.next == NULL) {
        return;
    }

    while (!ngx_queue_empty(&ngx_http_aws_sigv4_fetches)) {

        q = ngx_queue_head(&ngx_http_aws_sigv4_fetches);
        f = ngx_queue_data(q, ngx_http_aws_sigv4_fetch_t, queue);

        ngx_http_aws_sigv4_fetch_error(f, 0, "the worker process is exiting");
        ngx_http_aws_sigv4_fetch_done(f);
    }
}


static void
ngx_http_aws_sigv4_fetch_begin(ngx_event_t *ev)
{
    ngx_http_aws_sigv4_fetch_t *f = ev->data;

    ev->handler = ngx_http_aws_sigv4_fetch_deadline;
    ngx_add_timer(ev, f->timeout);

    if (ngx_http_aws_sigv4_fetch_request(f) != NGX_OK) {
        ngx_http_aws_sigv4_fetch_done(f);
        return;
    }

    if (f->origin->naddrs == 0) {
        ngx_http_aws_sigv4_fetch_resolve(f);
        return;
    }

    f->addrs = f->origin->addrs;
    f->naddrs = f->origin->naddrs;

    ngx_http_aws_sigv4_fetch_connect(f);
}


static void
ngx_http_aws_sigv4_fetch_deadline(ngx_event_t *ev)
{
    ngx_http_aws_sigv4_fetch_t *f = ev->data;

    ngx_http_aws_sigv4_fetch_error(f, 0, "it took more than %M ms, the last "
                                   "of it %s", f->timeout, f->log->action);
    ngx_http_aws_sigv4_fetch_done(f);
}


static void
ngx_http_aws_sigv4_fetch_resolve(ngx_http_aws_sigv4_fetch_t *f)
{
    ngx_resolver_ctx_t  *ctx, temp;

    f->log->action = "resolving the name";

    ctx = NGX_NO_RESOLVER;

    if (f->resolver != NULL) {
        temp.name = f->origin->host;
        ctx = ngx_resolve_start(f->resolver, &temp);
    }

    if (ctx == NULL) {
        ngx_http_aws_sigv4_fetch_error(f, 0, "there is no memory");
        ngx_http_aws_sigv4_fetch_done(f);
        return;
    }

    if (ctx == NGX_NO_RESOLVER) {
        ngx_http_aws_sigv4_fetch_error(f, 0, "there is no resolver for %V",
                                       &f->origin->host);
        ngx_http_aws_sigv4_fetch_done(f);
        return;
    }

    ctx->name = f->origin->host;
    ctx->handler = ngx_http_aws_sigv4_fetch_resolved;
    ctx->data = f;
    ctx->timeout = f->timeout;
    ctx->cancelable = 1;

    f->resolving = ctx;

    /* the handler may be called at once, and f may be gone then */

    if (ngx_resolve_name(ctx) != NGX_OK) {
        f->resolving = NULL;

        ngx_http_aws_sigv4_fetch_error(f, 0, "%V could not be resolved",
                                       &f->origin->host);
        ngx_http_aws_sigv4_fetch_done(f);
    }
}


static void
ngx_http_aws_sigv4_fetch_resolved(ngx_resolver_ctx_t *ctx)
{
    ngx_http_aws_sigv4_fetch_t *f = ctx->data;

    ngx_int_t  rc;

    if (ctx->state) {
        ngx_http_aws_sigv4_fetch_error(f, 0, "%V could not be resolved (%i: "
                                       "%s)", &ctx->name, ctx->state,
                                       ngx_resolver_strerror(ctx->state));
        rc = NGX_ERROR;

    } else {
        rc = ngx_http_aws_sigv4_fetch_addrs(f, ctx);
    }

    f->resolving = NULL;
    ngx_resolve_name_done(ctx);

    if (rc != NGX_OK) {
        ngx_http_aws_sigv4_fetch_done(f);
        return;
    }

    ngx_http_aws_sigv4_fetch_connect(f);
}


static ngx_int_t
ngx_http_aws_sigv4_fetch_addrs(ngx_http_aws_sigv4_fetch_t *f,
    ngx_resolver_ctx_t *ctx)
{
    u_char      *text;
    ngx_uint_t   i, n;
    ngx_addr_t  *addr;

    n = ngx_min(ctx->naddrs, NGX_HTTP_AWS_SIGV4_ADDRS);

    f->addrs = ngx_pcalloc(f->pool, n * sizeof(ngx_addr_t));
    if (f->addrs == NULL) {
        goto failed;
    }

    for (i = 0; i < n; i++) {
        addr = &f->addrs[i];

        addr->sockaddr = ngx_palloc(f->pool, ctx->addrs[i].socklen);
        text = ngx_pnalloc(f->pool, NGX_SOCKADDR_STRLEN);

        if (addr->sockaddr == NULL || text == NULL) {
            goto failed;
        }

        addr->socklen = ctx->addrs[i].socklen;
        ngx_memcpy(addr->sockaddr, ctx->addrs[i].sockaddr, addr->socklen);
        ngx_inet_set_port(addr->sockaddr, f->origin->port);

        addr->name.data = text;
        addr->name.len = ngx_sock_ntop(addr->sockaddr, addr->socklen, text,
                                       NGX_SOCKADDR_STRLEN, 1);
    }

    f->naddrs = n;

    return NGX_OK;

failed:

    ngx_http_aws_sigv4_fetch_error(f, 0, "there is no memory");

    return NGX_ERROR;
}


void
ngx_http_aws_sigv4_fetch_done(ngx_http_aws_sigv4_fetch_t *f)
{
    ngx_http_aws_sigv4_fetch_stop(f);

    ngx_log_debug2(NGX_LOG_DEBUG_EVENT, f->log, 0,
                   "aws sigv4: fetch done: %ui %V", f->status, &f->error);

    f->handler(f);

    ngx_destroy_pool(f->pool);
}


/* from here on nothing happens to the fetch of itself */

static void
ngx_http_aws_sigv4_fetch_stop(ngx_http_aws_sigv4_fetch_t *f)
{
    ngx_http_aws_sigv4_fetch_close(f);

    if (f->resolving != NULL) {
        ngx_resolve_name_done(f->resolving);
        f->resolving = NULL;
    }

    if (f->event.posted) {
        ngx_delete_posted_event(&f->event);
    }

    if (f->event.timer_set) {
        ngx_del_timer(&f->event);
    }

    if (f->queue.next != NULL) {
        ngx_queue_remove(&f->queue);
        f->queue.next = NULL;
    }
}


void
ngx_http_aws_sigv4_fetch_error(ngx_http_aws_sigv4_fetch_t *f, ngx_err_t err,
    const char *fmt, ...)
{
    u_char   *p, *last;
    va_list   args;

    last = f->text + NGX_HTTP_AWS_SIGV4_FETCH_ERROR;

    va_start(args, fmt);
    p = ngx_vslprintf(f->text, last, fmt, args);
    va_end(args);

    if (err) {
        p = ngx_log_errno(p, last, err);
    }

    f->status = 0;
    f->error.data = f->text;
    f->error.len = p - f->text;
}


static u_char *
ngx_http_aws_sigv4_fetch_log(ngx_log_t *log, u_char *buf, size_t len)
{
    u_char                      *p;
    ngx_http_aws_sigv4_fetch_t  *f;

    f = log->data;

    if (f->purpose != NULL) {
        p = ngx_snprintf(buf, len, " while %s %s", log->action, f->purpose);

    } else {
        p = ngx_snprintf(buf, len, " while %s to fetch credentials of "
                         "provider \"%V\"", log->action, &f->provider);
    }

    /* the path may be what only this client knows, and is left out */

    if (f->origin != NULL) {
        p = ngx_snprintf(p, len - (p - buf), " from %V", &f->origin->name);
    }

    return p;
}
