
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_aws_sigv4_remote.h"
#include "ngx_http_aws_sigv4_refresh.h"
#include "ngx_http_aws_sigv4_wait.h"


static ngx_http_aws_sigv4_job_t *ngx_http_aws_sigv4_job_create(
    ngx_http_aws_sigv4_provider_t *p);
static void ngx_http_aws_sigv4_job_destroy(ngx_http_aws_sigv4_job_t *job);
static void ngx_http_aws_sigv4_job_timeout(ngx_event_t *ev);
static void ngx_http_aws_sigv4_job_fetched(ngx_http_aws_sigv4_fetch_t *f);
static void ngx_http_aws_sigv4_job_sourced(void *data, ngx_int_t rc);


void
ngx_http_aws_sigv4_job_start(ngx_http_aws_sigv4_provider_t *p)
{
    ngx_http_aws_sigv4_job_t  *job, none;

    static ngx_str_t  error = ngx_string("there is no memory");

    job = ngx_http_aws_sigv4_job_create(p);

    if (job == NULL) {
        ngx_memzero(&none, sizeof(ngx_http_aws_sigv4_job_t));

        none.provider = p;
        none.log = ngx_cycle->log;

        ngx_http_aws_sigv4_refresh_failed(&none, &error);
        return;
    }

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, job->log, 0,
                   "aws sigv4 fetch for provider \"%V\"", &p->name);

    p->remote->job = job;

    ngx_add_timer(&job->event, NGX_HTTP_AWS_SIGV4_JOB_TIME);

    p->type->fetch(job);
}


static ngx_http_aws_sigv4_job_t *
ngx_http_aws_sigv4_job_create(ngx_http_aws_sigv4_provider_t *p)
{
    ngx_pool_t                *pool;
    ngx_http_aws_sigv4_job_t  *job;

    pool = ngx_create_pool(1024, ngx_cycle->log);
    if (pool == NULL) {
        return NULL;
    }

    job = ngx_pcalloc(pool, sizeof(ngx_http_aws_sigv4_job_t));
    if (job == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    job->provider = p;
    job->log = ngx_cycle->log;
    job->pool = pool;
    job->tries = p->remote->tries;

    job->event.handler = ngx_http_aws_sigv4_job_timeout;
    job->event.data = job;
    job->event.log = job->log;
    job->event.cancelable = 1;

    return job;
}


void
ngx_http_aws_sigv4_job_abort(ngx_http_aws_sigv4_job_t *job)
{
    if (job->provider->type->abort != NULL) {
        job->provider->type->abort(job);
    }

    ngx_http_aws_sigv4_job_destroy(job);
}


static void
ngx_http_aws_sigv4_job_destroy(ngx_http_aws_sigv4_job_t *job)
{
    if (job->fetch != NULL) {
        ngx_http_aws_sigv4_fetch_abort(job->fetch);
    }

    if (job->event.timer_set) {
        ngx_del_timer(&job->event);
    }

    ngx_http_aws_sigv4_wait_cancel(&job->waiter);

    ngx_destroy_pool(job->pool);
}


static void
ngx_http_aws_sigv4_job_timeout(ngx_event_t *ev)
{
    ngx_http_aws_sigv4_job_t *job = ev->data;

    if (job->provider->type->abort != NULL) {
        job->provider->type->abort(job);
    }

    ngx_http_aws_sigv4_job_fail(job, "it took longer than %d s",
                                NGX_HTTP_AWS_SIGV4_JOB_TIME / 1000);
}


void
ngx_http_aws_sigv4_job_done(ngx_http_aws_sigv4_job_t *job,
    sigv4_credentials_t *value, time_t expires)
{
    ngx_http_aws_sigv4_refresh_done(job, value, expires);
    ngx_http_aws_sigv4_job_destroy(job);
}


void
ngx_http_aws_sigv4_job_fail(ngx_http_aws_sigv4_job_t *job, const char *fmt,
    ...)
{
    u_char     text[NGX_HTTP_AWS_SIGV4_SLOT_ERROR];
    va_list    args;
    ngx_str_t  error;

    error.data = text;

    va_start(args, fmt);
    error.len = ngx_vslprintf(text, text + NGX_HTTP_AWS_SIGV4_SLOT_ERROR, fmt,
                              args)
                - text;
    va_end(args);

    ngx_http_aws_sigv4_refresh_failed(job, &error);
    ngx_http_aws_sigv4_job_destroy(job);
}


void
ngx_http_aws_sigv4_job_json(ngx_http_aws_sigv4_job_t *job,
    const sigv4_json_form_t *form, ngx_str_t *text, time_t now)
{
    size_t            size;
    u_char           *mem;
    sigv4_buf_t       buf;
    sigv4_str_t       s;
    sigv4_document_t  doc;

    size = sigv4_document_size(text->len);

    mem = ngx_http_aws_sigv4_secret_alloc(size, job->log);
    if (mem == NULL) {
        ngx_http_aws_sigv4_job_fail(job, "there is no memory");
        return;
    }

    buf.last = mem;
    buf.end = mem + size;

    s.data = text->data;
    s.len = text->len;

    if (sigv4_json_credentials(&doc, form, s, &buf, now) == SIGV4_OK) {
        ngx_http_aws_sigv4_job_done(job, &doc.value, doc.expires);

    } else {
        ngx_http_aws_sigv4_job_fail(job, "%s", doc.error);
    }

    ngx_http_aws_sigv4_secret_free(mem);
}


ngx_http_aws_sigv4_fetch_t *
ngx_http_aws_sigv4_job_fetch(ngx_http_aws_sigv4_job_t *job,
    ngx_http_aws_sigv4_origin_t *origin,
    ngx_http_aws_sigv4_job_fetch_pt handler)
{
    ngx_http_aws_sigv4_fetch_t   *f;
    ngx_http_aws_sigv4_remote_t  *remote;

    f = ngx_http_aws_sigv4_fetch_create(job->log);
    if (f == NULL) {
        return NULL;
    }

    remote = job->provider->remote;

    f->provider = job->provider->name;
    f->origin = origin;
    f->resolver = remote->resolver;
    f->ssl = remote->ssl;
    f->handler = ngx_http_aws_sigv4_job_fetched;
    f->data = job;

    job->fetch = f;
    job->fetched = handler;

    return f;
}


static void
ngx_http_aws_sigv4_job_fetched(ngx_http_aws_sigv4_fetch_t *f)
{
    ngx_http_aws_sigv4_job_t *job = f->data;

    /* it destroys itself behind this */
    job->fetch = NULL;

    job->fetched(job, f);
}


void
ngx_http_aws_sigv4_job_source(ngx_http_aws_sigv4_job_t *job,
    ngx_http_aws_sigv4_provider_t *source,
    ngx_http_aws_sigv4_job_source_pt handler)
{
    job->sourced = handler;

    job->waiter.handler = ngx_http_aws_sigv4_job_sourced;
    job->waiter.data = job;
    job->waiter.provider = source;

    ngx_http_aws_sigv4_job_sourced(job, NGX_AGAIN);
}


static void
ngx_http_aws_sigv4_job_sourced(void *data, ngx_int_t rc)
{
    ngx_http_aws_sigv4_job_t *job = data;

    ngx_http_aws_sigv4_provider_t     *source;
    ngx_http_aws_sigv4_credentials_t  *cred;

    source = job->waiter.provider;
    cred = NULL;

    if (rc != NGX_DECLINED) {
        rc = ngx_http_aws_sigv4_credentials_get(source, job->log, &cred);
    }

    /* less than the job itself has, so that it can say why it fails */

    if (rc == NGX_AGAIN
        && ngx_http_aws_sigv4_wait(&job->waiter, source,
                                   NGX_HTTP_AWS_SIGV4_JOB_TIME - 5000)
           == NGX_AGAIN)
    {
        return;
    }

    if (rc != NGX_OK) {
        cred = NULL;
        job->error = source->source ? source->source->error : source->error;
    }

    job->sourced(job, cred);
}
